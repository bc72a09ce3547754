"""The factors of a pair against the definition: every concept rotated by float64 Procrustes, then cosines."""

import numpy as np
import pytest

from jaxalign.alignment import reduced
from jaxalign.alignment.procrustes import MapOptions
from jaxalign.reference import procrustes, unit_rows

DRAW = np.random.default_rng(0)


def space(features, concepts=50):
    return DRAW.standard_normal((concepts, features)).astype(np.float32)


def turned(vectors):
    """The space in another basis, with noise: as two languages are, so that the map is well determined."""
    rotation = np.linalg.qr(DRAW.standard_normal((vectors.shape[1],) * 2))[0]
    return (vectors @ rotation + 0.3 * DRAW.standard_normal(vectors.shape)).astype(np.float32)


def cosines(first, second, seeds, options, candidates, padded=64, order=None):
    """What the two factors give; `order`: the seeds of the second language in another order."""
    spaces = []
    for vectors in (first, second):
        rows = reduced.candidate_rows(vectors, candidates, padded)
        spaces.append(reduced.reduce(vectors, rows, seeds, options))
    pairs = None if order is None else reduced.SeedPairs(np.arange(len(seeds)), order)
    aligned = reduced.align(*spaces, pairs, options)
    found = np.asarray(aligned.source) @ np.asarray(aligned.target).T
    assert found.shape == (padded, padded)
    assert not found[len(candidates) :].any() and not found[:, len(candidates) :].any()
    return found[: len(candidates), : len(candidates)]


@pytest.mark.parametrize("method", ["svd", "polar"])
@pytest.mark.parametrize("completion", ["drop", "identity"])
@pytest.mark.parametrize("features", [6, 21, 40])
def test_cosines_after_the_map(method, completion, features):
    """With 20 seeds, 6 features are spanned, 21 almost and 40 are not."""
    first = space(features)
    second = turned(first)
    seeds, candidates = DRAW.permutation(50)[:20], DRAW.permutation(50)[:33]
    rotation = procrustes(first[seeds].astype(float), second[seeds].astype(float), completion)
    expected = unit_rows(first @ rotation) @ unit_rows(second @ rotation.T @ rotation).T
    found = cosines(first, second, seeds, MapOptions(method=method, completion=completion), candidates)
    bound = 2e-6 if method == "svd" else 5e-6
    np.testing.assert_allclose(found, expected[np.ix_(candidates, candidates)], atol=bound)


def test_seeds_in_another_order_give_another_map():
    first, second = space(6), space(6)
    seeds, order = np.arange(20), DRAW.permutation(20)
    rotation = procrustes(first[seeds].astype(float), second[seeds[order]].astype(float))
    expected = unit_rows(first @ rotation) @ unit_rows(second.astype(float)).T
    found = cosines(first, second, seeds, MapOptions(), np.arange(50), order=order)
    np.testing.assert_allclose(found, expected, atol=2e-6)
    assert np.abs(cosines(first, second, seeds, MapOptions(), np.arange(50)) - expected).max() > 0.1


def test_without_seeds_there_is_no_map():
    first, second = space(6), space(6)
    plain = [reduced.ReducedSpace(None, reduced.candidate_rows(each, np.arange(50), 50)) for each in (first, second)]
    source, target = reduced.align(*plain, None, MapOptions())
    np.testing.assert_allclose(source, unit_rows(first), atol=1e-6)
    np.testing.assert_allclose(target, unit_rows(second), atol=1e-6)


@pytest.mark.parametrize(
    ("seeds", "completion", "method", "thin"),
    [(39, "drop", "svd", True), (40, "drop", "svd", False), (30, "identity", "polar", True),
     (31, "drop", "polar", False), (20, "arbitrary", "svd", False)],
)  # fmt: skip
def test_a_factorisation_is_made_where_it_pays(seeds, completion, method, thin):
    features, options = 40, MapOptions(method, completion)
    assert reduced.is_thin(seeds, features, options) == thin
    vectors = space(features)
    made = reduced.reduce(vectors, reduced.candidate_rows(vectors, np.arange(50), 50), np.arange(seeds), options)
    assert made.seeds.shape == (seeds, seeds if thin else features)
