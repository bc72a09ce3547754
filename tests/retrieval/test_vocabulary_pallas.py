"""The kernels for TPUs, interpreted: exact against float64 on a lattice, where float32 makes no rounding."""

import numpy as np
import pytest

from jaxalign.retrieval import vocabulary, vocabulary_pallas
from jaxalign.types import InputError


def lattice(rows, features, seed):
    """Multiples of a quarter: every product and every sum of them is exact in float32, and ties are many."""
    return np.random.default_rng(seed).integers(-2, 3, (rows, features)).astype(np.float32) / 4


def test_radii_are_means_of_the_highest():
    """Targets and sources that no block divides; k 8, so that the mean is exact too."""
    source, target = lattice(600, 12, 0), lattice(530, 12, 1)
    cosine = target.astype(float) @ source.T.astype(float)
    found = vocabulary_pallas.radii(target, source, 8, interpret=True)
    np.testing.assert_array_equal(np.asarray(found), np.sort(cosine, axis=1)[:, -8:].mean(1))


@pytest.mark.parametrize("retrieval", ["csls", "nn"])
def test_ranks_ties_and_best_are_those_of_float64(retrieval):
    source, target = lattice(530, 12, 2), lattice(1100, 12, 3)
    rng = np.random.default_rng(4)
    queries = rng.permutation(530)[:300]
    answers = rng.integers(0, 1100, (300, 3))
    target[1], answers[:9, :2] = target[0], (0, 1)  # two right answers of one score
    answers[::4, 2] = answers[::4, 1]  # a short row repeats its last answer
    scores = source.astype(float) @ target.T.astype(float)
    if retrieval == "csls":
        scores = scores - np.sort(scores, axis=0)[-8:].mean(0) / 2
    scores = scores[queries]
    right = np.take_along_axis(scores, answers, 1).max(1, keepdims=True)
    is_answer = np.zeros(scores.shape, bool)
    np.put_along_axis(is_answer, answers, True, 1)
    found = vocabulary.ranks(source, target, queries, answers, retrieval=retrieval, csls_k=8, kernel="pallas")
    np.testing.assert_array_equal(found.rank, 1 + (scores > right).sum(1))
    np.testing.assert_array_equal(found.ties, ((scores == right) & ~is_answer).sum(1))
    np.testing.assert_array_equal(found.answers, ((scores == right) & is_answer).sum(1))
    np.testing.assert_array_equal(found.best, scores.argmax(1))
    assert (found.ties > 0).any() and (found.answers > 1).any()
    plain = vocabulary.ranks(source, target, queries, answers, retrieval=retrieval, csls_k=8)
    for own, other in zip(found, plain, strict=True):
        np.testing.assert_array_equal(own, other)


def test_real_vectors_have_the_ranks_of_the_other_path():
    rng = np.random.default_rng(5)
    source, target = (rng.standard_normal((size, 40)).astype(np.float32) for size in (300, 520))
    queries = np.arange(300)
    pallas, plain = (
        vocabulary.ranks(source, target, queries, queries[:, None], kernel=kernel) for kernel in ("pallas", "xla")
    )
    assert (np.abs(pallas.rank - plain.rank) <= 1).all() and (pallas.rank == plain.rank).mean() > 0.99
    assert (pallas.best == plain.best).mean() > 0.99 and (pallas.answers == 1).all()


def test_blocks_shrink_with_the_features():
    assert [vocabulary_pallas.block_size(features).rows for features in (300, 512, 1024, 4096)] == [512, 512, 512, 128]
    with pytest.raises(InputError, match="--kernel=xla"):
        vocabulary_pallas.block_size(8192)
