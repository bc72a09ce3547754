"""The plain method against scipy, against hand-made cases, and against its own definition written as loops."""

import numpy as np
import pytest

from jaxalign import reference
from tests.conftest import planted


def test_normalised_rows_have_length_one_and_zero_rows_stay():
    vectors = np.array([[3.0, 4.0], [0.0, 0.0], [1.0, -1.0]])
    made = reference.normalize(vectors, ("unit",))
    np.testing.assert_allclose(np.linalg.norm(made, axis=1), [1, 0, 1])
    np.testing.assert_allclose(reference.normalize(vectors, ("center",)).mean(0), 0, atol=1e-15)


def test_procrustes_is_scipys_where_the_seeds_span_the_space():
    linalg = pytest.importorskip("scipy.linalg")
    rng = np.random.default_rng(0)
    source, target = rng.standard_normal((40, 6)), rng.standard_normal((40, 6))
    np.testing.assert_allclose(reference.procrustes(source, target), linalg.orthogonal_procrustes(source, target)[0])


def test_completions_where_the_seeds_do_not_span_the_space():
    """Three seeds in five dimensions: `drop` has rank three, `identity` is the limit of a small ridge, orthogonal."""
    rng = np.random.default_rng(1)
    source, target = rng.standard_normal((3, 5)), rng.standard_normal((3, 5))
    drop = reference.procrustes(source, target, "drop")
    assert np.linalg.matrix_rank(drop) == 3
    identity = reference.procrustes(source, target, "identity")
    left, _, right = np.linalg.svd(source.T @ target + 1e-9 * np.eye(5))
    np.testing.assert_allclose(identity, left @ right, atol=1e-6)
    np.testing.assert_allclose(identity @ identity.T, np.eye(5), atol=1e-12)


def test_csls_is_its_formula():
    similarity = np.array([[0.9, 0.1, 0.4], [0.2, 0.8, 0.6]])
    want = [[2 * 0.9 - 0.55, 2 * 0.1 - 0.45, 2 * 0.4 - 0.5], [2 * 0.2 - 0.55, 2 * 0.8 - 0.45, 2 * 0.6 - 0.5]]
    np.testing.assert_allclose(reference.csls(similarity, 2), want)


def test_ranks_of_a_rotated_copy_are_one_after_and_not_before():
    spaces = planted(0, 60, 8, languages=2, noise=0.0)
    seed, test = np.arange(40), np.arange(40, 60)
    assert (reference.rank(spaces, seed, test, "after")[0, 1] == 1).all()
    before = reference.rank(spaces, seed, test, "before")
    assert reference.precision_at(before, 1)[0, 1] < 0.5 and (before[0, 0] == 0).all()


def test_precision_counts_ranks_up_to_k():
    ranks = np.array([[[0, 0, 0, 0], [1, 2, 5, 11]]])
    assert reference.precision_at(ranks, 1).tolist() == [[0, 0.25]]
    assert reference.precision_at(ranks, 10).tolist() == [[0, 0.75]]
