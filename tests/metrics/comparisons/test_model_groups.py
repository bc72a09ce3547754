"""Ranks of models with ties: planted ladders, equal models, the family-wise error and simultaneous intervals."""

import numpy as np
import pytest
from scipy import stats

from jaxalign.metrics.comparisons import model_groups
from jaxalign.metrics.rows import COLUMNS
from jaxalign.metrics.significance import ModelRanks
from jaxalign.types import InputError
from tests.planted import COLUMNS as ASKED
from tests.planted import LABEL, pick, study


def hits(chances, queries, seed, shared=0.5):
    """(model, query) of 0 and 1, models alike in which concepts are easy."""
    rng = np.random.default_rng(seed)
    common, own = rng.standard_normal(queries), rng.standard_normal((len(chances), queries))
    score = np.sqrt(shared) * common + np.sqrt(1 - shared) * own
    return (score < stats.norm.ppf(chances)[:, None]).astype(float)


def test_a_planted_ladder_of_groups():
    found = model_groups.compare(hits(np.array([0.2, 0.8, 0.79, 0.5]), 800, 0))
    assert found.group.tolist() == [3, 1, 1, 2]
    assert found.place_low.tolist() == [4, 1, 1, 3] and found.place_high.tolist() == [4, 2, 2, 3]
    assert found.p[1, 2] > 0.05 > found.p[1, 3] and (found.p == found.p.T).all() and (np.diag(found.p) == 1).all()
    assert found.low[1, 2] < 0 < found.high[1, 2] and found.low[1, 3] > 0 > found.high[3, 1]


def test_two_models_are_the_paired_t_test():
    """With one pair there is nothing to correct: scipy's paired t-test, float64."""
    gain = np.random.default_rng(3).normal(size=(2, 300)) + np.array([[0.12], [0.0]])
    found, test = model_groups.compare(gain, draws=9999), stats.ttest_rel(*gain)
    assert found.p[0, 1] == pytest.approx(test.pvalue, abs=0.015)
    interval = test.confidence_interval()
    assert found.low[0, 1] == pytest.approx(interval.low, abs=0.01)
    assert found.high[0, 1] == pytest.approx(interval.high, abs=0.01)


def test_equal_models_are_rarely_told_apart_and_intervals_hold_all_differences():
    """250 studies of six equal models: any difference is called sure in about 5 % of them, not in 15 pairs' 50 %.

    The unadjusted p of the first pair alone is uniform.
    """
    told, held, first = [], [], []
    for seed in range(250):
        gain = hits(np.full(6, 0.4), 150, seed)
        found = model_groups.compare(gain, draws=199, rng_seed=seed)
        told.append(found.group.max() > 1 or found.place_low.max() > 1)
        chances = np.array([0.4, 0.4, 0.4, 0.5, 0.5, 0.5])
        shifted = model_groups.compare(hits(chances, 150, seed), draws=199, rng_seed=seed)
        true = chances[:, None] - chances[None]
        held.append(((shifted.low <= true) & (true <= shifted.high)).all())
        first.append(model_groups.compare(gain[:2] + 1e-6 * np.random.default_rng(seed).random((2, 150)), 199, seed))
    assert 0.02 < np.mean(told) < 0.085
    assert 0.92 < np.mean(held) < 0.985
    assert stats.kstest([one.p[0, 1] for one in first], "uniform").pvalue > 0.01


def test_the_same_model_twice_and_models_that_always_and_never_hit():
    gain = np.stack([np.ones(60), np.ones(60), np.zeros(60)])
    found = model_groups.compare(gain)
    assert found.group.tolist() == [1, 1, 2] and found.place.tolist() == [1, 1, 3]
    assert found.p[0, 1] == 1 and found.low[0, 1] == found.high[0, 1] == 0
    assert 0.9 < found.low[0, 2] < 1
    with pytest.raises(InputError, match="two models"):
        model_groups.compare(gain[:1])


def test_the_order_of_the_models_does_not_matter():
    gain = hits(np.array([0.2, 0.5, 0.45, 0.7]), 200, 5)
    order = np.array([2, 0, 3, 1])
    one, other = model_groups.compare(gain, 499), model_groups.compare(gain[order], 499)
    assert (one.group[order] == other.group).all() and np.allclose(one.p[np.ix_(order, order)], other.p)


def test_rows_of_groups():
    ranks = study().ranks
    table = ranks.tables[2]
    entries = [
        ModelRanks(LABEL, table),
        ModelRanks(LABEL._replace(model="best"), table._replace(rank=np.ones_like(table.rank))),
    ]
    made = model_groups.rows(entries, ranks.languages, ASKED, draws=199)
    assert all(list(row) == list(COLUMNS) for row in made)
    assert [(row["model"], row["value"]) for row in pick(made, metric="group")] == [("demo", 2), ("best", 1)]
    (place,) = pick(made, metric="rank", model="best")
    assert (place["value"], place["low"], place["high"], place["count"], place["setting"]) == (1, 1, 1, 2, "after")
    (pair,) = pick(made, metric="P@1_all_models")
    assert pair["model"] == "demo - best" and pair["setting"] == "after - after" and pair["high"] < -0.5
    assert pick(made, metric="P@1_all_models_p")[0]["value"] == 1 / 200
