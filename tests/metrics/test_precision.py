"""Ranks become the fractions one counts by hand, and intervals cover what they should."""

import numpy as np
import pytest

from jaxalign.metrics import precision
from jaxalign.metrics.rows import COLUMNS, MEAN
from jaxalign.types import InputError, Split
from tests.planted import pick, study


def test_precision_and_mrr_are_counts():
    ranks = np.asarray([[[1, 2, 11], [1, 1, 1]], [[5, 10, 30], [31, 2, 2]]])
    np.testing.assert_array_equal(precision.precision_at(ranks, 1), [[1 / 3, 1], [0, 0]])
    np.testing.assert_array_equal(precision.precision_at(ranks, 10), [[2 / 3, 1], [2 / 3, 2 / 3]])
    np.testing.assert_allclose(precision.mrr(ranks)[0, 0], (1 + 1 / 2 + 1 / 11) / 3)
    with pytest.raises(InputError, match="--k"):
        precision.gains(ranks, "P@0")


def test_ties_are_scored_at_their_expectation_over_random_orders():
    rng = np.random.default_rng(0)
    ranks, ties = rng.integers(1, 6, 60), rng.integers(0, 5, 60)
    place = ranks + np.floor(rng.random((200_000, 60)) * (ties + 1)).astype(int)  # the answer's place among its equals
    for metric in ("P@1", "P@3", "P@5"):
        found = precision.expected_gains(ranks, ties, metric)
        np.testing.assert_allclose(found, precision.gains(place, metric).mean(0), atol=0.006)
        assert (precision.gains(ranks + ties, metric) <= found).all() and (
            found <= precision.gains(ranks, metric)
        ).all()
    np.testing.assert_allclose(precision.expected_gains(ranks, ties, "MRR"), 1 / place.mean(0), rtol=0.01)
    assert (precision.expected_gains(np.array([0, 2]), np.array([3, 0]), "P@5") == [0, 1]).all()


def test_a_missing_answer_scores_nothing():
    assert precision.precision_at(np.asarray([0, 1]), 5) == 0.5
    assert precision.mrr(np.asarray([0, 1])) == 0.5


def test_chance_is_the_mean_over_random_orders():
    ranks = np.random.default_rng(0).integers(1, 51, 200_000)
    for metric in ("P@1", "P@10", "MRR"):
        assert precision.chance(metric, 50) == pytest.approx(precision.gains(ranks, metric).mean(), rel=0.03)


def test_every_row_is_the_plain_mean_of_its_cell():
    made = study(draws=2)
    languages, concepts, split = made.ranks.languages, made.concepts, made.split
    rows = precision.rows(made, bootstrap=50)
    kind = np.asarray([concepts.kinds[concepts.ids.index(name)] for name in split.test])
    assert all(list(row) == list(COLUMNS) for row in rows)
    seen = 0
    for row in rows:
        derived = row["setting"] == "chance" or row["subset"] == "physical_down"
        if derived or MEAN in (row["source"], row["target"]):
            continue
        i, j = languages.index(row["source"]), languages.index(row["target"])
        setting = row["setting"], row["seed_size"]
        ranks = [table.rank[i, j] for table in made.ranks.tables if table[:2] == setting]
        inside = kind == row["subset"] if row["subset"] != "all" else kind != ""
        k = int(row["metric"][2:]) if row["metric"] != "MRR" else 0
        gain = [(r <= k) if k else 1 / r for r in ranks]
        assert row["value"] == pytest.approx(np.mean([g[inside].mean() for g in gain]))
        assert row["count"] == inside.sum() and 0 <= row["low"] <= row["value"] + 1e-6 <= row["high"] + 2e-6 <= 1 + 3e-6
        seen += 1
    assert seen == 3 * 3 * 5 * 6  # settings, subsets, metrics, ordered pairs


def test_means_over_pairs_and_physical_down():
    rows = precision.rows(study(), bootstrap=50)
    cells = pick(rows, setting="before", subset="all", metric="P@1")
    pairs = [row["value"] for row in cells if MEAN not in (row["source"], row["target"])]
    (mean,) = pick(cells, source=MEAN, target=MEAN)
    assert len(pairs) == 6 and mean["value"] == pytest.approx(np.mean(pairs))
    (from_fr,) = pick(cells, source="fr", target=MEAN)
    assert from_fr["value"] == pytest.approx(np.mean([row["value"] for row in pick(cells, source="fr")][:2]))
    abstract, down = (pick(rows, subset=name, source="en", target="fr")[0] for name in ("abstract", "physical_down"))
    assert abstract["count"] == down["count"] > 0


def test_a_mask_for_each_pair_and_an_empty_one():
    mask = np.random.default_rng(3).random((3, 3, 40)) < 0.5
    mask[0, 1] = False
    made = study(subsets={"identical_removed": mask})
    rows = precision.rows(made, bootstrap=50)
    cells = pick(rows, subset="identical_removed", setting="before", metric="P@1")
    assert not pick(cells, source="en", target="fr")
    (cell,) = pick(cells, source="fr", target="th")
    assert cell["value"] == pytest.approx((made.ranks.tables[0].rank[1, 2][mask[1, 2]] == 1).mean())
    assert cell["count"] == mask[1, 2].sum()
    assert all(np.isfinite([row["value"], row["low"], row["high"]]).all() for row in rows)


def test_intervals_agree_with_resampling_one_cell_by_hand():
    hit = np.random.default_rng(0).random(300) < 0.3
    ranks = np.full((2, 2, 300), 9)
    ranks[0, 1] = np.where(hit, 1, 2)
    grid = precision.intervals(precision.gains(ranks, "P@1")[None], np.ones(300, bool), bootstrap=4000)
    by_hand = np.quantile(np.random.default_rng(1).binomial(300, hit.mean(), 100_000) / 300, (0.025, 0.975))
    np.testing.assert_allclose([grid.low[0, 0, 1], grid.high[0, 0, 1]], by_hand, atol=0.007)
    assert grid.low[0, 1, 0] == 0 and grid.high[0, 1, 0] == pytest.approx(1.96**2 / (300 + 1.96**2), rel=1e-4)


def test_ninety_five_percent_intervals_cover_about_that_often():
    rng = np.random.default_rng(5)
    ranks = np.where(rng.random((20, 20, 150)) < 0.35, 1, 7)
    grid = precision.intervals(precision.gains(ranks, "P@1")[None], np.ones(150, bool))
    inside = (grid.low <= 0.35) & (grid.high >= 0.35)
    assert 0.90 < inside[0, :20, :20][~np.eye(20, dtype=bool)].mean() < 0.985


def test_ranks_of_another_split_are_refused():
    made = study()
    with pytest.raises(InputError, match="shape"):
        precision.rows(made._replace(split=Split(made.split.seed, made.split.test[:-1])))
