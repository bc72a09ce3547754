"""Hubs: the formulas against SciPy, planted hubs, what CSLS does to them, picks at random, and coverage."""

import numpy as np
import pytest
from scipy import stats

from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.evaluation.rows import Rows
from jaxalign.evaluation.settings import Setting
from jaxalign.metrics.controls import hubness
from jaxalign.metrics.rows import COLUMNS
from tests.conftest import planted
from tests.planted import LABEL, pick

AFTER = Setting("after", 20, 0)


def found(nearest):
    return hubness.Neighbours(AFTER, 0, 1, np.asarray(nearest), np.zeros(len(nearest)))


def draw(rng, queries, weights, k):
    """k different candidates per query, the popular ones more often (Gumbel top-k)."""
    return np.argsort(-(np.log(weights) + rng.gumbel(size=(queries, len(weights)))), axis=1)[:, :k]


def test_the_formulas():
    nearest = draw(np.random.default_rng(0), 40, np.r_[9.0, np.ones(199)], 5)
    skewness, share, _ = hubness.measured(found(nearest), 200)
    count = np.bincount(nearest.ravel(), minlength=200)
    assert skewness.value == pytest.approx(stats.skew(count))
    assert share.value == pytest.approx(np.sort(count)[-2:].sum() / 200)
    without = [stats.skew(np.bincount(np.delete(nearest, i, 0).ravel(), minlength=200)) for i in range(40)]
    assert skewness.influence == pytest.approx(39 * (np.mean(without) - np.array(without)))


def test_the_interval_covers():
    """300 studies with candidates of drawn popularity: about 95 % of the intervals hold the mean of all."""
    rng = np.random.default_rng(1)
    weights = rng.lognormal(sigma=0.7, size=120)
    studies = [hubness.measured(found(draw(rng, 150, weights, 4)), 120)[0] for _ in range(300)]
    truth = np.mean([one.value for one in studies])
    half = np.array([1.96 * one.influence.std(ddof=1) / 150**0.5 for one in studies])
    covered = np.abs([one.value - truth for one in studies]) <= half
    assert 0.91 < covered.mean() < 0.99


def test_p_is_uniform_for_picks_at_random_and_small_for_hubs():
    rng, chance = np.random.default_rng(2), hubness.picks_at_random(100, 300, 10, 0)

    def p(weights):
        value = hubness.measured(found(draw(rng, 100, weights, 10)), 300)[0].value
        return (1 + np.sum(chance.skewness >= value)) / (1 + hubness.DRAWS)

    assert stats.kstest([p(np.ones(300)) for _ in range(150)], "uniform").pvalue > 0.01
    assert p(np.r_[np.full(6, 8.0), np.ones(294)]) == 1 / 200
    n, share = 100, 10 / 300  # N_k is nearly binomial
    assert chance.skewness.mean() == pytest.approx((1 - 2 * share) / np.sqrt(n * share * (1 - share)), abs=0.05)


def test_planted_hubs_are_found_and_csls_takes_them_away():
    """Concepts that stand in the middle of all others are the neighbours of many: less so by CSLS."""
    spaces = planted(3, 150, 20, 2, noise=0.6)
    middle = {code: rows.copy() for code, rows in spaces.items()}
    for rows in middle.values():
        rows[:4] = 0.2 * rows[:4] + 3 * rows.mean(0) + 1.5
        rows += 1.0
    split = Rows(np.arange(60), np.arange(60, 150))

    def skewness(given, retrieval):
        options = AlignmentOptions(retrieval=retrieval, normalize=("unit",))
        made = hubness.rows(LABEL, given, split, options)
        return pick(made, setting="after", metric="hubness_skew", source="mean")[0]["value"]

    with_hubs = {name: skewness(middle, name) for name in ("nn", "csls")}
    assert with_hubs["nn"] > skewness(spaces, "nn") + 0.3 and with_hubs["csls"] < with_hubs["nn"] - 0.3


def test_rows():
    spaces = planted(4, 90, 10, 3, noise=0.2)
    options = AlignmentOptions(settings=("before", "after", "null"), retrieval="nn")
    made = hubness.rows(LABEL, spaces, Rows(np.arange(50), np.arange(50, 90)), options)
    assert all(list(row) == list(COLUMNS) for row in made)
    back = {row["setting"]: row for row in pick(made, metric="reciprocity", source="mean")}
    assert back["after"]["value"] > 0.8 > 0.7 > back["null"]["value"] and back["chance"]["value"] == round(1 / 90, 7)
    assert all(row["low"] <= row["value"] <= row["high"] for row in made)
    assert len(pick(made, setting="after", metric="hub_share")) == 7
    assert len(pick(made, metric="hubness_skew_p")) == 18
    same = hubness.rows(
        LABEL, {"en": spaces["en"], "fr": spaces["en"]}, Rows(np.arange(50), np.arange(50, 90)), options
    )
    exact = pick(same, metric="reciprocity", setting="before", source="mean")[0]
    assert exact["value"] == exact["high"] == 1 and exact["low"] < 1


def test_ceilings_alone_have_no_hubs():
    options = AlignmentOptions(settings=("ceiling", "ceiling_null"))
    assert hubness.rows(LABEL, planted(4, 30, 5, 2, noise=0.2), Rows(np.arange(20), np.arange(20, 30)), options) == []
