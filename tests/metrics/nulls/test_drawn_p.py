"""P-values among draws: plain counts, equal values in random order, uniform where nothing is planted."""

import numpy as np
from scipy import stats

from jaxalign.metrics.nulls.drawn_p import p_value


def test_without_equal_values_it_is_a_count():
    null = np.array([[0.1, 0.5], [0.2, 0.6], [0.3, 0.7]])
    assert p_value(null, np.array([0.25, 0.9]), 0, null).tolist() == [0.5, 0.25]
    assert p_value(null[:, 0], np.array(0.0), 0, null) == 1


def test_it_is_uniform_for_scores_of_few_values():
    rng = np.random.default_rng(0)
    drawn = rng.binomial(40, 0.03, (1000, 20)) / 40
    p = np.array([p_value(one[1:], one[0], 0, one) for one in drawn])
    counts = np.bincount((p * 20).round().astype(int), minlength=21)[1:]
    assert stats.chisquare(counts).pvalue > 0.01 and p.min() == 0.05


def test_one_measurement_has_one_p():
    null, about = np.zeros(99), np.arange(5)
    assert p_value(null, np.array(0.0), 3, about) == p_value(null, np.array(0.0), 3, about)
    assert len({float(p_value(null, np.array(0.0), seed, about)) for seed in range(9)}) > 3
