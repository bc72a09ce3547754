"""Differences of two sides: against SciPy, uniform p-values, coverage, and sides of every sort."""

import numpy as np
import pytest
from scipy import stats

from jaxalign.metrics.comparisons.contrast import Side, contrast
from jaxalign.types import InputError


def side(gain, mask=None):
    gain = np.atleast_2d(np.asarray(gain, float))
    mask = np.ones(gain.shape, bool) if mask is None else np.broadcast_to(mask, gain.shape)
    return Side(gain, mask, np.full(len(gain), 1 / len(gain)))


def test_the_same_concepts_are_the_paired_test():
    rng = np.random.default_rng(0)
    left, right = rng.normal(0.15, 1, 300), rng.normal(0, 1, 300)
    found, test = contrast(side(left), side(right), draws=9999), stats.ttest_rel(left, right)
    assert found.value == pytest.approx((left - right).mean())
    assert found.p == pytest.approx(test.pvalue, abs=0.02)
    interval = test.confidence_interval()
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), abs=0.02)
    assert found.null_high == pytest.approx(1.96 * (left - right).std() / 300**0.5, abs=0.02)
    assert contrast(side(left), side(right), margin=found.value).p > 0.9


def test_different_concepts_are_the_test_of_two_samples():
    gain = np.random.default_rng(1).normal(size=200) + 0.3 * (np.arange(200) < 80)
    left = np.arange(200) < 80
    found = contrast(side(gain, left), side(gain, ~left), draws=9999)
    test = stats.ttest_ind(gain[left], gain[~left], equal_var=False)
    assert found.p == pytest.approx(test.pvalue, abs=0.02) and found.queries == 80
    interval = test.confidence_interval()
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), abs=0.03)


@pytest.mark.parametrize("kind", ["same", "other", "cells"])
def test_p_is_uniform_and_intervals_cover(kind):
    p, covered = [], []
    for seed in range(250):
        rng = np.random.default_rng(seed)
        gain = rng.normal(size=(2, 100)) + rng.normal(size=100)
        left = np.arange(100) < 40
        masks = {"same": (None, None), "other": (left, ~left), "cells": (rng.random(100) < 0.9, rng.random(100) < 0.9)}
        first, second = (side(row, mask) for row, mask in zip(gain, masks[kind], strict=True))
        found = contrast(first, second, draws=199, rng_seed=seed)
        p.append(found.p)
        covered.append(found.low <= 0 <= found.high)
    assert stats.kstest(p, "uniform").pvalue > 0.01
    assert 0.9 < np.mean(covered) < 0.98


def test_a_mean_of_cells():
    gain = np.array([[1.0, 0, 1, 0], [1, 1, 1, 0]])
    mask = np.array([[True, True, True, True], [True, False, True, True]])
    found = contrast(side(gain, mask), side(np.zeros(4)), draws=99)
    assert found.value == pytest.approx((1 / 2 + 2 / 3) / 2)
    sure = contrast(side(np.ones(30)), side(np.zeros(30)), draws=99)
    assert sure.low < 1 and sure.p == 1 / 100
    with pytest.raises(InputError, match="none"):
        contrast(side(gain, np.zeros((2, 4), bool)), side(gain))
