"""Ranks become the fractions one counts by hand, and intervals cover what they should."""

import numpy as np
import pytest

from jaxalign.evaluation.result import Ranks, SettingRanks
from jaxalign.metrics import precision
from jaxalign.metrics.evaluated import identical_answers
from jaxalign.metrics.gains import gains
from jaxalign.metrics.rows import COLUMNS, MEAN
from jaxalign.types import Concepts, InputError, Split
from tests.planted import pick, study


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
    grid = precision.intervals(gains(ranks, "P@1")[None], np.ones(300, bool), bootstrap=4000)
    by_hand = np.quantile(np.random.default_rng(1).binomial(300, hit.mean(), 100_000) / 300, (0.025, 0.975))
    np.testing.assert_allclose([grid.low[0, 0, 1], grid.high[0, 0, 1]], by_hand, atol=0.007)
    assert grid.low[0, 1, 0] == 0 and grid.high[0, 1, 0] == pytest.approx(1.96**2 / (300 + 1.96**2), rel=1e-4)


def test_ninety_five_percent_intervals_cover_about_that_often():
    rng = np.random.default_rng(5)
    ranks = np.where(rng.random((20, 20, 150)) < 0.35, 1, 7)
    grid = precision.intervals(gains(ranks, "P@1")[None], np.ones(150, bool))
    inside = (grid.low <= 0.35) & (grid.high >= 0.35)
    assert 0.90 < inside[0, :20, :20][~np.eye(20, dtype=bool)].mean() < 0.985


def test_ranks_of_another_split_are_refused():
    made = study()
    with pytest.raises(InputError, match="shape"):
        precision.rows(made._replace(split=Split(made.split.seed, made.split.test[:-1])))


def tied_study():
    """Two languages: the first query of en-fr ties with two wrong candidates, the second is alone in front."""
    rank = np.array([[[0, 0], [1, 1]], [[1, 2], [0, 0]]])
    ties = np.array([[[0, 0], [2, 0]], [[0, 0], [0, 0]]])
    ids = ("a", "b", "c")
    known = Concepts(ids, ("other",) * 3, {"en": ids, "fr": ("mot", "b", "mot")}, ())
    ranks = Ranks(("en", "fr"), (SettingRanks("after", 3, 0, rank, rank * 0, ties),))
    return study()._replace(ranks=ranks, concepts=known, split=Split((), ids[:2]))


def test_ties_never_profit():
    rows = precision.rows(tied_study(), ks=(1, 2), bootstrap=0)
    found = {row["metric"]: row["value"] for row in pick(rows, source="en", target="fr", setting="after")}
    expected = {"P@1": 2 / 3, "P@2": 5 / 6, "MRR": 3 / 4, "P@1_best": 1, "P@1_strict": 0.5, "ties": 0.5}
    assert found == pytest.approx(expected, abs=1e-9)


def test_another_sense_of_the_same_word_is_the_same_answer_where_asked_for():
    made = tied_study()
    vectors = {"en": np.eye(3), "fr": np.array([[1.0, 0], [0, 1], [1, 0]])}  # concepts a and c are one word, one vector
    assert identical_answers(made.concepts, made.split, vectors, "all").tolist() == [[0, 0], [1, 0]]
    assert identical_answers(made.concepts, made.split, vectors, "test").tolist() == [[0, 0], [0, 0]]
    identical = identical_answers(made.concepts, made.split, vectors, "all")
    rows = precision.rows(made._replace(identical=identical), ks=(1,), bootstrap=0)
    (row,) = pick(rows, source="en", target="fr", setting="after", metric="P@1")
    assert row["value"] == pytest.approx((2 / 3 + 1) / 2)  # two of the three that tie are right


def test_intervals_of_zero_and_one_have_a_width():
    """20 queries: [0, .161] and [.839, 1] by Wilson 1927."""
    assert precision.interval(np.zeros(20)) == pytest.approx((0, 0, 0.161), abs=5e-4)
    assert precision.interval(np.ones(20)) == pytest.approx((1, 0.839, 1), abs=5e-4)
    mixed = precision.interval(np.arange(20) < 6)
    assert mixed.value == 0.3 and 0.05 < mixed.low < 0.2 and 0.4 < mixed.high < 0.6
