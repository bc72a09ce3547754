"""Counts of higher and equal scores, the best candidate, against NumPy."""

import numpy as np

from jaxalign.retrieval import counting

SCORES = np.array([[0.1, 0.5, 0.5, 0.2], [0.3, 0.3, 0.3, 0.3], [-1.0, -2.0, -0.5, -0.5]], np.float32)
RIGHT = np.array([2, 0, 1])  # column of each row's right answer


def test_strictly_higher_and_equal_scores_are_counted():
    right = SCORES[np.arange(3), RIGHT][:, None]
    assert np.asarray(counting.count_above(SCORES, right, 1)).tolist() == [0, 0, 3]
    assert np.asarray(counting.count_equal(SCORES, right, 1)).tolist() == [2, 4, 1]  # the answer itself among them
    assert np.asarray(counting.count_above(SCORES.T, right.T, 0)).tolist() == [0, 0, 3]


def test_of_equal_best_candidates_the_first_is_named():
    assert np.asarray(counting.best_of_rows(SCORES)).tolist() == [1, 0, 2]


def test_the_maximum_over_a_short_axis_is_numpys():
    values = np.random.default_rng(0).standard_normal((3, 16, 5)).astype(np.float32)
    np.testing.assert_array_equal(counting.highest_of(values, 1), values.max(1))


def test_the_bound_of_a_penalty_never_binds_for_similarities():
    """A penalty is at most 1 for CSLS and 1 + log(n) / 30 for the inverted softmax, below 2 for a billion words."""
    penalty = np.array([-1.0, 0.0, 1.0, 1 + np.log(1e9) / 30], np.float32)
    np.testing.assert_array_equal(counting.bounded(penalty), penalty)
