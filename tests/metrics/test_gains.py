"""P@k and MRR are the counts one makes by hand; ties are worth their mean over random orders."""

import numpy as np
import pytest

from jaxalign.metrics import gains
from jaxalign.types import InputError


def test_precision_and_mrr_are_counts():
    ranks = np.asarray([[[1, 2, 11], [1, 1, 1]], [[5, 10, 30], [31, 2, 2]]])
    np.testing.assert_array_equal(gains.precision_at(ranks, 1), [[1 / 3, 1], [0, 0]])
    np.testing.assert_array_equal(gains.precision_at(ranks, 10), [[2 / 3, 1], [2 / 3, 2 / 3]])
    np.testing.assert_allclose(gains.mrr(ranks)[0, 0], (1 + 1 / 2 + 1 / 11) / 3)
    with pytest.raises(InputError, match="--k"):
        gains.gains(ranks, "P@0")


def test_ties_are_scored_at_their_expectation_over_random_orders():
    rng = np.random.default_rng(0)
    ranks, ties = rng.integers(1, 6, 60), rng.integers(0, 5, 60)
    place = ranks + np.floor(rng.random((200_000, 60)) * (ties + 1)).astype(int)  # the answer's place among its equals
    for metric in ("P@1", "P@3", "P@5"):
        found = gains.expected_gains(ranks, ties, metric)
        np.testing.assert_allclose(found, gains.gains(place, metric).mean(0), atol=0.006)
        assert (gains.gains(ranks + ties, metric) <= found).all() and (found <= gains.gains(ranks, metric)).all()
    np.testing.assert_allclose(gains.expected_gains(ranks, ties, "MRR"), 1 / place.mean(0), rtol=0.01)
    assert (gains.expected_gains(np.array([0, 2]), np.array([3, 0]), "P@5") == [0, 1]).all()


def test_a_missing_answer_scores_nothing():
    assert gains.precision_at(np.asarray([0, 1]), 5) == 0.5
    assert gains.mrr(np.asarray([0, 1])) == 0.5


def test_chance_is_the_mean_over_random_orders():
    ranks = np.random.default_rng(0).integers(1, 51, 200_000)
    for metric in ("P@1", "P@10", "MRR"):
        assert gains.chance(metric, 50) == pytest.approx(gains.gains(ranks, metric).mean(), rel=0.03)


def test_several_right_answers_that_tie_are_found_sooner():
    """Three wrong and two right candidates of one score, in 200,000 random orders."""
    orders = np.random.default_rng(0).permuted(np.tile(np.arange(5), (200_000, 1)), axis=1)
    first = (orders >= 3).argmax(1) + 1 + 2  # two candidates score higher
    for metric in ("P@1", "P@3", "P@4", "P@5", "P@9"):
        found = gains.expected_gains(np.array([3]), np.array([3]), metric, 2)
        np.testing.assert_allclose(found, gains.gains(first, metric).mean(), atol=0.004)
    np.testing.assert_allclose(
        gains.expected_gains(np.array([3]), np.array([3]), "MRR", 2), 1 / first.mean(), rtol=0.01
    )
