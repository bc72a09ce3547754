"""Distances without a dictionary, against the cited scripts' own libraries and against definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from jaxalign import reference
from jaxalign.metrics import isometry_distances


def planted(noise, concepts=60, features=24):
    rng = np.random.default_rng(0)
    latent = rng.normal(size=(concepts, features)) * np.linspace(2, 0.2, features)
    return np.stack([reference.normalize(latent + level * rng.normal(size=latent.shape)) for level in noise])


def test_eigenvector_similarity_is_that_of_the_cited_script():
    """evs_script.py: nearest neighbours by scikit-learn, spectra by networkx, k by its select_k."""
    networkx = pytest.importorskip("networkx", reason="needs networkx")
    neighbors = pytest.importorskip("sklearn.neighbors", reason="needs scikit-learn")
    spectra, counts = [], []
    vectors = planted((0.0, 1.0, 0.2), concepts=80)
    for space in vectors:
        _, near = neighbors.NearestNeighbors(n_neighbors=2, algorithm="ball_tree").fit(space).kneighbors(space)
        graph = networkx.Graph()
        graph.add_edges_from((row[0], row[1]) for row in near.tolist())
        spectra.append(networkx.laplacian_spectrum(graph))
        counts.append(next(i + 1 for i in range(80) if sum(spectra[-1][: i + 1]) / sum(spectra[-1]) >= 0.9))
    measured = isometry_distances.eigenvector_similarity(vectors)
    for i, j in ((0, 1), (0, 2), (1, 2)):
        k = min(counts[i], counts[j])
        assert measured[i, j] == pytest.approx(sum((spectra[i][:k] - spectra[j][:k]) ** 2), rel=1e-9)
        assert measured[i, j] == measured[j, i] > 0
    shuffled = np.stack([vectors[0], vectors[0][np.random.default_rng(0).permutation(80)]])
    assert isometry_distances.eigenvector_similarity(shuffled)[0, 1] < 1e-9


@pytest.mark.parametrize("published", [False, True])
def test_gromov_hausdorff_agrees_with_ripser_and_persim(published):
    persim = pytest.importorskip("persim", reason="needs persim")
    ripser = pytest.importorskip("ripser", reason="needs ripser")
    vectors = planted((0.0, 1.0, 0.0), concepts=40)
    diagrams = []
    for space in vectors:
        distances = np.sqrt(2 - 2 * np.clip(space @ space.T, -1, 1))
        np.fill_diagonal(distances, 0)
        diagram = ripser.ripser(distances, maxdim=0, distance_matrix=not published)["dgms"][0]
        diagrams.append(diagram[np.isfinite(diagram[:, 1])])
    measure = isometry_distances.gromov_hausdorff_as_published if published else isometry_distances.gromov_hausdorff
    measured = measure(vectors)
    assert measured[0, 1] == pytest.approx(persim.bottleneck(*diagrams[:2]), rel=1e-5) and measured[0, 1] > 0.01
    assert measured[0, 2] < 1e-6


_DEATHS = st.lists(st.integers(0, 12), max_size=5).map(lambda values: np.array(values, float))


@given(_DEATHS, _DEATHS)
def test_bottleneck_is_the_best_assignment(a, b):
    """All assignments with the diagonal: the least limit at which an assignment without a forbidden pair exists."""
    both = len(a) + len(b)
    cost = np.zeros((both, both))
    cost[: len(a), : len(b)] = np.abs(a[:, None] - b[None])
    cost[: len(a), len(b) :] = a[:, None] / 2
    cost[len(a) :, : len(b)] = b[None] / 2
    expected = 0.0
    for limit in sorted({0.0, *cost.ravel().tolist()}):
        forbidden = (cost > limit).astype(float)
        if forbidden[linear_sum_assignment(forbidden)].sum() == 0:
            expected = limit
            break
    assert isometry_distances.bottleneck(a, b) == pytest.approx(expected, abs=1e-9)


def test_words_with_one_vector_are_joined_at_zero():
    space = planted((0.0,), concepts=20)[0]
    twice = np.stack([space, np.concatenate([space[:10], space[:10]])])
    assert np.isfinite(isometry_distances.gromov_hausdorff(twice)).all()
    assert isometry_distances.gromov_hausdorff(twice[[1, 1]])[0, 1] == 0
