"""Differences have the p-values of the textbook's tests, uniform where nothing was planted."""

import numpy as np
import pytest
from scipy.stats import binomtest, fisher_exact, kstest

from jaxalign.metrics import significance
from jaxalign.metrics.rows import COLUMNS
from tests.planted import COLUMNS as ASKED
from tests.planted import LABEL, pick, study


def hits(chances, languages=2, seed=0):
    """(source, target, query) of 0 and 1, each query hit with its own chance."""
    return (np.random.default_rng(seed).random((languages, languages, len(chances))) < chances).astype(float)


def test_paired_is_mcnemar():
    before, after = hits(np.full(150, 0.4)), hits(np.full(150, 0.5), seed=1)
    found = significance.paired(after - before, draws=9999)
    won, lost = ((after - before)[0, 1] == 1).sum(), ((after - before)[0, 1] == -1).sum()
    assert found.value[0, 1] == pytest.approx((won - lost) / 150)
    assert found.p[0, 1] == pytest.approx(binomtest(int(won), int(won + lost)).pvalue, abs=0.02)
    assert found.low[0, 1] < found.value[0, 1] < found.high[0, 1]
    assert found.value[2, 2] == pytest.approx(np.mean([found.value[0, 1], found.value[1, 0]]))


def test_between_is_fishers_exact_test():
    gain = hits(np.full(120, 0.5))
    left = np.arange(120) < 40
    found = significance.between(gain, left, ~left, draws=9999)
    a, b = gain[0, 1][left].sum(), gain[0, 1][~left].sum()
    assert found.value[0, 1] == pytest.approx(a / 40 - b / 80)
    assert found.p[0, 1] == pytest.approx(fisher_exact([[a, 40 - a], [b, 80 - b]]).pvalue, abs=0.03)


def test_p_values_are_uniform_where_nothing_was_planted_and_small_where_it_was():
    rng = np.random.default_rng(0)
    apart = ~np.eye(16, dtype=bool)
    nothing = rng.normal(size=(16, 16, 60))
    assert kstest(significance.paired(nothing, draws=499).p[:16, :16][apart], "uniform").pvalue > 0.01
    left = np.arange(60) < 20
    assert kstest(significance.between(nothing, left, ~left, draws=499).p[:16, :16][apart], "uniform").pvalue > 0.01
    assert significance.paired(nothing + 1.0, draws=499).p[-1, -1] == 1 / 500
    assert significance.between(nothing + 2 * left, left, ~left, draws=499).p[-1, -1] == 1 / 500


def test_a_shuffled_dictionary_gives_uniform_p_values():
    rng = np.random.default_rng(1)
    answers = rng.permutation(80)
    apart = ~np.eye(20, dtype=bool)
    luck = np.stack([rng.permutation(80) for _ in range(400)]).reshape(20, 20, 80)
    p = significance.permutation_p(luck, answers, draws=300)
    assert p.shape == (21, 21) and (p == significance.permutation_p(luck, answers, draws=300)).all()
    assert kstest(p[:20, :20][apart], "uniform").pvalue > 0.01
    safe = significance.permutation_p(luck, answers, draws=300, split_ties=False)[:20, :20][apart]
    assert np.mean(safe <= 0.05) <= 0.07  # conservative: never more often than it says
    right = np.broadcast_to(answers, (2, 2, 80)).copy()
    right[..., 20:] = rng.permutation(80)[20:]
    assert (significance.permutation_p(right, answers, draws=300) <= 1 / 301).sum() == 9 - 2  # less the diagonal
    shuffled = (np.stack([rng.permutation(80) for _ in range(9)]).reshape(3, 3, 80) for _ in range(150))
    means = [significance.permutation_p(best, answers, 99)[3, 3] for best in shuffled]
    assert kstest(means, "uniform").pvalue > 0.01


def test_rows_of_differences():
    extra = {"abstract_matched": np.arange(40) < 10, "physical_matched": np.arange(40) >= 30}
    made = study(subsets=extra)
    rows, outcomes = significance.rows(made, draws=99), made.ranks.tables
    assert all(list(row) == list(COLUMNS) for row in rows)
    (cell,) = pick(rows, setting="after - before", metric="P@1", source="fr", target="th")
    expected = (outcomes[2].rank[1, 2] == 1).mean() - (outcomes[0].rank[1, 2] == 1).mean()
    assert cell["value"] == pytest.approx(expected, abs=1e-6) and cell["seed_size"] == 20
    (gap,) = pick(
        rows, subset="abstract_matched - physical_matched", setting="after", metric="P@1", source="fr", target="th"
    )
    hit = outcomes[2].rank[1, 2] == 1
    assert gap["value"] == pytest.approx(hit[:10].mean() - hit[30:].mean(), abs=1e-6)
    assert pick(rows, subset="abstract - physical", setting="before", metric="P@1_p", source="mean", target="mean")
    assert len(pick(rows, setting="after", subset="all", metric="P@1_p")) == 6 + 2 * 3 + 1
    assert not pick(rows, setting="ceiling", subset="all", metric="P@1_p")  # it has seen the answers
    (mrr,) = pick(rows, setting="after - before", metric="MRR", source="fr", target="th")
    assert mrr["value"] == pytest.approx((1 / outcomes[2].rank[1, 2] - 1 / outcomes[0].rank[1, 2]).mean(), rel=1e-5)


def test_model_against_model():
    ranks = study().ranks
    table = ranks.tables[2]
    one = significance.ModelRanks(LABEL, table)
    best = significance.ModelRanks(LABEL._replace(model="best"), table._replace(rank=np.ones_like(table.rank)))
    rows = significance.models(one, best, ranks.languages, ASKED, draws=99)
    (mean,) = pick(rows, source="mean", target="mean", metric="P@1")
    assert mean["model"] == "demo - best" and mean["setting"] == "after - after" and mean["value"] < -0.5
    (p,) = pick(rows, source="mean", target="mean", metric="P@1_p")
    assert p["value"] == 1 / 100


def test_the_order_of_the_concepts_moves_no_interval():
    """30 ones and 30 zeros on both sides: independent resampling gives [-.167, .183] (scipy.stats.bootstrap)."""
    x = np.zeros((2, 2, 120))
    x[0, 1] = np.tile(np.arange(60) < 30, 2)
    left = np.arange(120) < 60
    ordered = significance.between(x, left, ~left)
    assert ordered.low[0, 1] == pytest.approx(-0.18, abs=0.025) and ordered.high[0, 1] == pytest.approx(0.18, abs=0.025)
    mixed = np.random.default_rng(0).permutation(60)
    other = significance.between(x[..., np.concatenate([np.arange(60), 60 + mixed])], left, ~left)
    assert abs(other.low[0, 1] - ordered.low[0, 1]) < 0.04 and abs(other.high[0, 1] - ordered.high[0, 1]) < 0.04


@pytest.mark.parametrize("order", ["random", "sorted", "opposite"])
def test_intervals_of_differences_cover_in_any_order(order):
    """1,800 studies of two sides of 70 concepts, found with chances of .5 and .4: about 95 % of the intervals hold .1.

    With the same resamples for both sides 59 % do in the sorted order and 99 % in the opposite one.
    """
    left, cells, covered = np.arange(140) < 70, ~np.eye(25, dtype=bool), []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        gain = (rng.random((25, 25, 140)) < np.where(left, 0.5, 0.4)).astype(float)
        if order != "random":
            first, second = np.sort(gain[..., :70]), np.sort(gain[..., 70:])
            gain = np.concatenate([first, second[..., ::-1] if order == "opposite" else second], axis=-1)
        found = significance.between(gain, left, ~left, draws=19, rng_seed=seed)
        covered.append(((found.low <= 0.1) & (found.high >= 0.1))[:25, :25][cells])
    assert 0.925 < np.mean(covered) < 0.975


def test_intervals_of_paired_differences_cover():
    cells, covered = ~np.eye(25, dtype=bool), []
    for seed in range(3):
        change = np.random.default_rng(seed).choice([-1.0, 0.0, 1.0], (25, 25, 100), p=[0.1, 0.7, 0.2])
        found = significance.paired(change, draws=19, rng_seed=seed)
        covered.append(((found.low <= 0.1) & (found.high >= 0.1))[:25, :25][cells])
    assert 0.925 < np.mean(covered) < 0.975


def test_differences_without_any_spread_have_a_width():
    """20 and 30 concepts, all found on one side and none on the other; Newcombe 1998, method 10."""
    gain = np.zeros((2, 2, 50))
    gain[0, 1, :20] = 1
    left, z = np.arange(50) < 20, 1.959964**2
    found = significance.between(gain, left, ~left, draws=19)
    assert found.value[0, 1] == found.high[0, 1] == 1
    assert found.low[0, 1] == pytest.approx(1 - np.hypot(z / (20 + z), z / (30 + z)))
    same = significance.between(np.zeros((2, 2, 50)), left, ~left, draws=19)
    assert (same.low[0, 1], same.high[0, 1]) == pytest.approx((-z / (30 + z), z / (20 + z)))
    pairs = significance.paired(np.zeros((2, 2, 50)), draws=19)
    assert (pairs.low[0, 1], pairs.high[0, 1]) == pytest.approx((-z / (50 + z), z / (50 + z)))


@pytest.mark.parametrize(("kinds", "compared"), [(2, 0), (4, 1)])
def test_physical_down_is_not_tested_again_where_it_is_physical(kinds, compared):
    """With as many abstract concepts as physical ones nothing is drawn down: one difference, not two equal ones."""
    known = study()
    place = {name: number for number, name in enumerate(known.split.test)}
    names = tuple("abstract" if place.get(name, 1) % kinds == 0 else "physical" for name in known.concepts.ids)
    rows = significance.rows(known._replace(concepts=known.concepts._replace(kinds=names)), draws=9)
    for setting in ("before", "after"):
        asked = dict(setting=setting, metric="P@1", source="en", target="fr")
        found = {name: len(pick(rows, subset=f"abstract - {name}", **asked)) for name in ("physical", "physical_down")}
        assert found == {"physical": 1, "physical_down": compared}
    made = known._replace(concepts=known.concepts._replace(kinds=names))
    assert made.has_copies(0) == (not compared)
