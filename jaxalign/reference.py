"""The whole method of the paper in one screen of float64 NumPy: slow, plain, and what the fast code is tested against.

    ranks = rank(spaces, seed, test, "after")            # spaces: language -> (concept, feature), rows are concepts
    precision_at(ranks, 1)                               # (source, target)

Procrustes: Schoenemann 1966. CSLS: Conneau et al. 2018, equation 5. Settings: Peng and Soegaard 2024.
"""

import numpy as np


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    """Rows of length one; a row of zeros stays zero."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(length > 0, length, 1)


def normalize(vectors: np.ndarray, steps: tuple[str, ...] = ("unit", "center", "unit")) -> np.ndarray:
    """The space after `steps` in order: `unit` makes rows of length one, `center` subtracts the mean of all rows."""
    vectors = np.asarray(vectors, np.float64)
    for step in steps:
        vectors = unit_rows(vectors) if step == "unit" else vectors - vectors.mean(0)
    return vectors


def procrustes(source: np.ndarray, target: np.ndarray, completion: str = "drop") -> np.ndarray:
    """The orthogonal W that minimizes |source W - target|, (feature, feature), from the SVD of source' target.

    Where the seed rows do not span the space W is not determined: `drop` leaves that part zero (a partial isometry),
    `identity` takes the limit of the solution for source' target + lambda I as lambda falls to 0, `arbitrary` keeps
    what the decomposition happens to fill in.
    """
    left, values, right = np.linalg.svd(source.T @ target)
    if completion == "arbitrary":
        return left @ right
    rank = int((values > values[0] * max(source.shape) * 1e-13).sum())
    rotation = left[:, :rank] @ right[:rank]
    if completion == "identity" and rank < len(left):
        rest_left, _, rest_right = np.linalg.svd(left[:, rank:].T @ right[rank:].T)
        rotation = rotation + left[:, rank:] @ rest_left @ rest_right @ right[rank:]
    return rotation


def csls(similarity: np.ndarray, k: int = 10) -> np.ndarray:
    """2 s(x, y) - r(y), (query, candidate): r(y) is the mean of the k highest similarities of a candidate.

    The term r(x) of the query moves no rank and is left out.
    """
    return 2 * similarity - np.partition(similarity, -k, axis=0)[-k:].mean(0)


def rank(spaces, seed, test, setting="after", csls_k=10, normalize_steps=("unit", "center", "unit")) -> np.ndarray:
    """Rank of the right answer of every test concept among all concepts, (source, target, query), from 1.

    A rank is 1 + the candidates that score strictly higher. `before` uses no map, `after` the map of the seed rows,
    `ceiling` the map of seed and test rows (leaky). The diagonal is 0.
    """
    normalized = [normalize(vectors, normalize_steps) for vectors in spaces.values()]
    fitted = np.concatenate([seed, test]) if setting == "ceiling" else np.asarray(seed)
    ranks = np.zeros((len(spaces), len(spaces), len(test)), int)
    for i, source in enumerate(normalized):
        for j, target in enumerate(normalized):
            if i != j:
                identity = np.eye(source.shape[1])
                rotation = identity if setting == "before" else procrustes(source[fitted], target[fitted])
                # The part of the target that the map reaches: all of it where the seed rows span the space.
                cosine = unit_rows(source @ rotation) @ unit_rows(target @ rotation.T @ rotation).T
                scores = csls(cosine, csls_k)[test]
                ranks[i, j] = 1 + (scores > scores[np.arange(len(test)), test][:, None]).sum(1)
    return ranks


def precision_at(ranks: np.ndarray, k: int) -> np.ndarray:
    """P@k, the fraction of queries whose right answer has rank k or better, (source, target)."""
    return ((ranks >= 1) & (ranks <= k)).mean(-1)
