"""Distances between spaces that use no dictionary: of graph spectra and of persistence diagrams; 0 = the same.

Both follow the scripts of Vulic et al. (2020, github.com/cambridgeltl/iso-study), which Marchisio et al. (2022) use
too, on vectors that the scripts normalise by unit, center, unit. The scripts take the 10,000 (eigenvectors) and 5,000
(Gromov-Hausdorff) most frequent words of each language, and both values depend on that number: compare figures of
equal `count` only.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

Points = Float[np.ndarray, "language concept feature"]
Distances = Float[np.ndarray, "language language"]


def eigenvector_similarity(vectors: Points, energy: float = 0.9) -> Distances:
    """Returns the sum of squared differences of Laplacian eigenvalues of nearest-neighbour graphs.

    As evs_script.py: each concept is joined to its nearest neighbour; eigenvalues ascend, as networkx gives them; k is
    the smaller of both numbers of eigenvalues whose sum reaches `energy` of the whole; the k smallest are compared. The
    text of Søgaard, Ruder and Vulić (2018) speaks of the k largest, the published figures are of the script.
    """
    spectra = [_laplacian_spectrum(space) for space in vectors]
    counts = [1 + int(np.searchsorted(np.cumsum(values), energy * values.sum() * (1 - 1e-12))) for values in spectra]
    return _symmetric(len(spectra), lambda i, j: _squared(spectra[i], spectra[j], min(counts[i], counts[j])))


def gromov_hausdorff(vectors: Points) -> Distances:
    """Returns the bottleneck distance of persistence diagrams, a lower bound of the Gromov-Hausdorff distance.

    Of connected components (dimension 0) of Vietoris-Rips complexes over the distances sqrt(2 - 2 cosine) (Chazal et
    al. 2009; Patra et al. 2019). Components are born at 0 and die at the edges of the minimum spanning tree.
    """
    deaths = [_deaths(_distances(space)) for space in vectors]
    return _symmetric(len(deaths), lambda i, j: bottleneck(deaths[i], deaths[j]))


def gromov_hausdorff_as_published(vectors: Points) -> Distances:
    """Returns what gh_script.py prints with the gudhi of its time, on another scale than the lower bound.

    It calls `gudhi.RipsComplex(x)` with the distance matrix x. The first argument of that class were points: the
    complexes are over Euclidean distances between the rows of x.
    """
    deaths = [_deaths(_euclidean(_distances(space))) for space in vectors]
    return _symmetric(len(deaths), lambda i, j: bottleneck(deaths[i], deaths[j]))


def bottleneck(a: Float[np.ndarray, " a"], b: Float[np.ndarray, " b"]) -> float:
    """Returns the bottleneck distance of two diagrams whose points are born at 0 and die at `a` and `b`.

    Within t every point that dies after 2t must have a partner within t; the others may be left to the diagonal. All
    such points of both diagrams can be served at once if those of each can (Mendelsohn and Dulmage 1958), and in order
    of death the first possible partner is the best. The least such t by bisection.
    """
    a, b = np.sort(a), np.sort(b)
    low, high = 0.0, max([0.0, *a[-1:], *b[-1:]]) / 2
    if _within(a, b, 0.0):
        return 0.0
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if _within(a, b, middle) else (middle, high)
    return high


def _within(a: np.ndarray, b: np.ndarray, limit: float) -> bool:
    return _served(a, b, limit) and _served(b, a, limit)


def _served(needy: np.ndarray, partners: np.ndarray, limit: float) -> bool:
    """Whether each point that dies after 2 `limit` has a partner of its own within `limit`."""
    place = 0
    for death in needy[np.searchsorted(needy, 2 * limit, side="right") :].tolist():
        while place < len(partners) and partners[place] < death - limit:
            place += 1
        if place == len(partners) or partners[place] > death + limit:
            return False
        place += 1
    return True


def _laplacian_spectrum(space: np.ndarray) -> np.ndarray:
    cosine = space @ space.T
    np.fill_diagonal(cosine, -np.inf)
    edges = np.zeros(cosine.shape)
    edges[np.arange(len(space)), cosine.argmax(axis=1)] = 1
    edges = np.maximum(edges, edges.T)
    return np.linalg.eigvalsh(np.diag(edges.sum(1)) - edges)


def _distances(space: np.ndarray) -> np.ndarray:
    return np.sqrt(2 - 2 * np.clip(space @ space.T, -1, 1))


def _euclidean(points: np.ndarray) -> np.ndarray:
    squares = np.sum(points**2, axis=1)
    return np.sqrt(np.maximum(squares[:, None] + squares[None] - 2 * points @ points.T, 0))


def _deaths(distances: np.ndarray) -> np.ndarray:
    """Lengths of the edges of the minimum spanning tree: the heights at which single linkage joins clusters."""
    from scipy.cluster.hierarchy import linkage
    from scipy.spatial.distance import squareform

    condensed = squareform(distances - np.diag(np.diag(distances)), checks=False)
    return linkage(condensed, method="single")[:, 2]


def _squared(a: np.ndarray, b: np.ndarray, count: int) -> float:
    return float(np.sum((a[:count] - b[:count]) ** 2))


def _symmetric(count: int, distance: Callable[[int, int], float]) -> np.ndarray:
    table = np.zeros((count, count))
    for i in range(count):
        for j in range(i):
            table[i, j] = table[j, i] = distance(i, j)
    return table
