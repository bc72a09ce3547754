"""Found seeds: their maps against plain NumPy, what refinement finds in planted spaces, and what is left out."""

import numpy as np
import pytest

from jaxalign.evaluation.found_seeds import LEAST, Search, alike, evaluate
from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.evaluation.rows import Rows
from jaxalign.reference import csls, unit_rows
from jaxalign.reference import normalize as reference_normalize
from tests.conftest import planted

ROWS = Rows(np.arange(100), np.arange(100, 160))
OPTIONS = AlignmentOptions(csls_k=5)


@pytest.fixture(scope="module")
def spaces():
    return planted(3, 160, 24, 3, noise=0.5)


def masks(spaces, size=40):
    """The first `size` seeds of en-fr and en-ro are written alike, none of fr-ro."""
    known = np.arange(100) < size
    return {("en", "fr"): known, ("en", "ro"): known, ("fr", "ro"): np.zeros(100, bool)}


def mutual(source, target, k):
    """Pairs of rows that are each other's nearest under CSLS, float64."""
    there, back = csls(source @ target.T, k).argmax(1), csls(target @ source.T, k).argmax(1)
    rows = np.flatnonzero(back[there] == np.arange(len(source)))
    return rows, there[rows]


def expected(source, target, first, second, rounds):
    """P@1 of the test rows after the map of the seeds, or of `rounds` refinements of them; orthogonal, float64."""
    one, other = (unit_rows(reference_normalize(side)) for side in (source, target))
    for number in range(rounds + 1):
        left, values, right = np.linalg.svd(one[first].T @ other[second])
        kept = values > 1e-6 * values[0]
        mapped = unit_rows(one @ left[:, kept]), unit_rows(other @ right[kept].T)
        if number < rounds:
            first, second = mutual(mapped[0][:100], mapped[1][:100], 5)
    scores = csls(mapped[0] @ mapped[1].T, 5)[100:]
    return (scores > scores[np.arange(60), np.arange(100, 160)][:, None]).sum(1) + 1, len(first)


@pytest.mark.parametrize("size", [12, 40])  # fewer and more seeds than features
@pytest.mark.parametrize("rounds", [0, 2])
def test_ranks_are_those_of_plain_numpy(spaces, size, rounds):
    found = evaluate(spaces, ROWS, OPTIONS, Search(masks(spaces, size), rounds, 0))
    names = ["identical", "refined"][: 1 + (rounds > 0)]
    assert [(one.first, one.second, one.setting) for one in found] == [
        (0, other, name) for other in (1, 2) for name in names
    ]
    languages = list(spaces.values())
    for one in found:
        turns = rounds if one.setting == "refined" else 0
        for ranks, (source, target) in zip(one.ranks, ((0, one.second), (one.second, 0)), strict=True):
            places = np.arange(size)
            want, seeds = expected(languages[source], languages[target], places, places, turns)
            assert (ranks[0] == want).mean() > 0.97 and one.seeds == seeds  # near ties apart


def test_without_identical_words_rounds_begin_with_the_seed_dictionary(spaces):
    found = evaluate(spaces, ROWS, OPTIONS, Search(None, 1, 2))
    assert [one.setting for one in found[:3]] == ["refined", "refined_null", "refined_null"]
    assert len(found) == 9 and [one.draw for one in found[:3]] == [0, 0, 1]
    hits = {name: np.mean([one.ranks.source_to_target[0] == 1 for one in found if one.setting == name])
            for name in ("refined", "refined_null")}  # fmt: skip
    assert hits["refined"] > 0.6 and hits["refined_null"] < 0.1


def test_refinement_gains_on_few_seeds():
    spaces = planted(5, 160, 24, 3, noise=0.3)
    none = np.zeros(100, bool)
    few = {("en", "fr"): np.arange(100) < 12, ("en", "ro"): none, ("fr", "ro"): none}
    found = {one.setting: one for one in evaluate(spaces, ROWS, OPTIONS, Search(few, 5, 1))}
    hits = {name: (one.ranks.source_to_target[0] == 1).mean() for name, one in found.items()}
    assert hits["refined"] > hits["identical"] + 0.2 and hits["refined"] > 0.5
    assert hits["identical_null"] < 0.1 and hits["refined_null"] < 0.1
    assert found["identical"].seeds == 12 < found["refined"].seeds


def test_no_test_row_is_looked_at(spaces):
    changed = {code: rows.copy() for code, rows in spaces.items()}
    options = AlignmentOptions(csls_k=5, normalize=("unit",), candidates="test")
    for rows in changed.values():
        rows[100:] = rows[100:][np.random.default_rng(len(rows)).permutation(60)]
    one, other = (evaluate(each, ROWS, options, Search(masks(spaces), 2, 1)) for each in (spaces, changed))
    assert [each.seeds for each in one] == [each.seeds for each in other]


def test_order_of_languages_changes_nothing(spaces):
    turned = dict(reversed(spaces.items()))
    known = {("fr", "en"): np.arange(100) < 40, ("ro", "en"): np.arange(100) < 40, ("ro", "fr"): np.zeros(100, bool)}
    search = Search(masks(spaces), 1, 1), Search(known, 1, 1)
    forth = {(one.second, one.setting): one for one in evaluate(spaces, ROWS, OPTIONS, search[0])}
    for one in evaluate(turned, ROWS, OPTIONS, search[1]):
        ranks = forth[2 - one.first, one.setting].ranks
        assert (one.ranks.source_to_target[0] == ranks.target_to_source[0]).mean() > 0.97


def test_words_that_are_one_string_count_and_few_of_them_do_not():
    words = {"en": ("taxi", "dog", "Hotel"), "fr": ("taxi", "chien", "hotel")}
    assert alike(words, (0, 2))["en", "fr"].tolist() == [True, False]
    spaces = planted(1, 160, 8, 2)
    few = {("en", "fr"): np.arange(100) < LEAST - 1}
    assert evaluate(spaces, ROWS, OPTIONS, Search(few, 1, 1)) == []
