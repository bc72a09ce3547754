"""The best layer: its null against plain loops, uniform p-values, one true layer, coverage where all are equal."""

import numpy as np
import pytest
from scipy import stats

from jaxalign.evaluation.result import SettingRanks
from jaxalign.evaluation.rows import Rows
from jaxalign.evaluation.settings import Setting, pairing
from jaxalign.metrics import precision
from jaxalign.metrics.nulls import best_layer
from jaxalign.metrics.rows import COLUMNS
from jaxalign.types import InputError
from tests.planted import LABEL, pick, replaced, study

ANSWERS = np.arange(100, 130)


def unrelated(rng, layers=12, languages=3, queries=30, true_layer=None):
    """Nearest neighbours between spaces without anything in common, whose layers are like their neighbours."""
    spaces = rng.standard_normal((languages, queries, 8))
    found = []
    for layer in range(layers):
        spaces = 0.8 * spaces + 0.6 * rng.standard_normal(spaces.shape)
        shown = spaces + (3 * rng.standard_normal((queries, 8)) if layer == true_layer else 0)
        cells = np.einsum("iqf,jcf->ijqc", shown, shown)
        found.append(ANSWERS[cells.argmax(axis=-1)][~np.eye(languages, dtype=bool)])
    retrieved = np.array(found)
    return (retrieved == ANSWERS).mean(axis=1), retrieved


def test_the_null_is_that_of_plain_loops():
    """float64, one language after the other: the right answer of word s_i(c) in language j is word s_j(c)."""
    _, retrieved = unrelated(np.random.default_rng(0), layers=4)
    got = best_layer.null_maxima(retrieved, ANSWERS, 5, 7)
    rng, pairs = np.random.default_rng(7), [(i, j) for i in range(3) for j in range(3) if i != j]
    for draw in range(5):
        order = rng.permuted(np.tile(np.arange(30), (3, 1)), axis=1)
        scores = np.zeros(4)
        for layer in range(4):
            for place, (i, j) in enumerate(pairs):
                for concept in range(30):
                    query, answer = order[i, concept], ANSWERS[order[j, concept]]
                    scores[layer] += np.float64(retrieved[layer, place, query] == answer) / (6 * 30)
        assert got[draw] == pytest.approx(scores.max())


def test_p_is_uniform_where_no_layer_is_aligned():
    """Twelve layers that depend on each other; the p-value of a single layer that is chosen so is far too small."""
    rng, p, single = np.random.default_rng(1), [], []
    for number in range(150):
        gain, retrieved = unrelated(rng)
        found = best_layer.best(gain, retrieved, ANSWERS, draws=99, bootstrap=20, rng_seed=number)
        p.append(found.p)
        own = best_layer.null_maxima(retrieved[[found.layer]], ANSWERS, 99, number)
        single.append((1 + np.sum(own >= gain[found.layer].mean() - 1e-12)) / 100)
    assert stats.kstest(p, "uniform").pvalue > 0.01 and np.mean(np.array(p) <= 0.05) < 0.1
    assert np.mean(np.array(single) <= 0.05) > 0.2


def test_one_true_layer_is_found():
    rng = np.random.default_rng(2)
    found = [
        best_layer.best(*unrelated(rng, true_layer=7), ANSWERS, draws=99, bootstrap=100, rng_seed=n) for n in range(10)
    ]
    assert [one.layer for one in found] == [7] * 10 and max(one.p for one in found) <= 0.01
    assert all(one.alike == 1 and one.value.low > one.null.max() for one in found)
    assert all(one.held_out.value == pytest.approx(one.value.value, abs=0.02) for one in found)


def test_the_intervals_hold_the_chosen_layer_where_all_are_equal():
    """300 studies of 12 equal layers: the bootstrap of the maximum misses the truth in half of them and more."""
    rng, covered, held_out, naive, bias = np.random.default_rng(3), [], [], [], []
    weights = precision.resamples(100, 300, 0)
    for number in range(300):
        difficulty = rng.standard_normal(100)
        gain = (0.7 * difficulty + 0.7 * rng.standard_normal((12, 100)) < stats.norm.ppf(0.3)).astype(float)
        truth = stats.norm.cdf(stats.norm.ppf(0.3) / np.hypot(0.7, 0.7))
        chosen = best_layer._chosen(gain, int(gain.mean(1).argmax()), 300, 0)
        other = best_layer.held_out(gain, number, halves=50)
        low, high = np.quantile((weights @ gain.T / 100).max(axis=1), (0.025, 0.975))
        covered.append(chosen.low <= truth <= chosen.high)
        held_out.append(other.low <= truth <= other.high)
        naive.append(low <= truth <= high)
        bias.append((chosen.value - truth, other.value - truth))
    assert np.mean(covered) > 0.95 and 0.9 < np.mean(held_out) < 0.98 and np.mean(naive) < 0.5
    assert np.mean(bias, axis=0)[0] > 0.04 > 0.01 > abs(np.mean(bias, axis=0)[1])


def test_layers_without_spread_have_an_interval():
    gain = np.stack([np.zeros(20), np.ones(20)])
    chosen = best_layer._chosen(gain, 1, 100, 0)
    assert chosen.value == chosen.high == 1 and 0.8 < chosen.low < 0.9
    assert best_layer.held_out(gain).low == chosen.low
    with pytest.raises(InputError, match="Expected two"):
        best_layer.best(gain[:1], np.zeros((1, 2, 20), int), np.arange(20))


def test_a_shuffle_of_the_dictionary_is_one_for_all_layers():
    """The pairing knows seeds and languages, and nothing of the layer."""
    rows, setting = Rows(np.arange(20), np.arange(20, 30)), Setting("null", 20, 3)
    first, again = (pairing(rows, setting, 5, "en", "fr").seeds.second for _ in range(2))
    assert (first == again).all() and (first != pairing(rows, setting, 5, "en", "th").seeds.second).any()


def test_rows():
    given = []
    for layer in range(3):
        evaluated = study(label=LABEL._replace(layer=layer), seed=layer)
        tables = list(evaluated.ranks.tables)
        tables += [SettingRanks("null", 20, draw, *tables[0][3:]) for draw in range(2)]
        tables.append(SettingRanks("ceiling", 60, 0, *tables[0][3:]))
        given += best_layer.outcomes(replaced(evaluated, *tables))
    made = best_layer.rows(given, evaluated.answers(), draws=99, bootstrap=50)
    assert all(list(row) == list(COLUMNS) for row in made)
    assert {row["setting"] for row in made} == {"before", "after", "null"} and {row["seed_size"] for row in made} == {
        0,
        20,
    }
    after = {row["metric"]: row for row in pick(made, setting="after")}
    assert set(after) == {f"best_layer{name}" for name in ("", "_null", "_held_out", "_p", "_alike")}
    assert after["best_layer_alike"]["count"] == 3 and len({row["layer"] for row in after.values()}) == 1
    means = [one.gain.mean() for one in given if one.setting == "after"]
    assert after["best_layer"]["value"] == pytest.approx(max(means)) and after["best_layer"]["layer"] == np.argmax(
        means
    )
    assert after["best_layer"]["low"] < after["best_layer"]["value"] < after["best_layer"]["high"]
    (shuffled,) = pick(made, setting="null")
    assert shuffled["metric"] == "best_layer" and shuffled["value"] == shuffled["low"]  # both draws are the same here
    assert best_layer.rows([one for one in given if one.label.layer == 1], evaluated.answers()) == []
