"""Which rows each setting fits on and scores against; shuffles are the same whichever language comes first."""

import numpy as np
import pytest

from jaxalign.evaluation.options import SETTINGS, AlignmentOptions
from jaxalign.evaluation.rows import Rows
from jaxalign.evaluation.settings import Setting, pairing, settings_of

ROWS = Rows(np.array([3, 1, 4, 8, 5]), np.array([9, 2, 6]))


def test_settings_in_the_order_asked_for_with_sizes_and_draws():
    made = settings_of(AlignmentOptions(settings=SETTINGS, seed_sizes=(2, 5), null_draws=2), ROWS)
    assert made == [
        ("before", 0, 0), ("after", 2, 0), ("after", 5, 0), ("shrunken", 2, 0), ("shrunken", 5, 0), ("ceiling", 8, 0),
        ("null", 2, 0), ("null", 2, 1), ("null", 5, 0), ("null", 5, 1), ("shrunken_null", 2, 0),
        ("shrunken_null", 2, 1), ("shrunken_null", 5, 0), ("shrunken_null", 5, 1), ("ceiling_null", 8, 0),
        ("ceiling_null", 8, 1),
    ]  # fmt: skip
    fitted = [(False, 0, False), (False, 2, False), (False, 5, False), (False, 2, True), (False, 5, True)]
    assert [setting.fitted for setting in made[:6]] == [*fitted, (True, 8, False)]
    shuffled = ["null"] * 4 + ["shrunken_null"] * 4 + ["ceiling_null"] * 2
    assert [setting.name for setting in made if setting.is_shuffled] == shuffled


@pytest.mark.parametrize("name, size", [("after", 5), ("ceiling", 8)])
def test_unshuffled_settings_pair_each_row_with_itself(name, size):
    made = pairing(ROWS, Setting(name, size, 0), 0, "en", "fr")
    assert made.seeds.first.tolist() == made.seeds.second.tolist() == list(range(size))
    assert made.source_to_target.tolist() == made.target_to_source.tolist() == ROWS.test.tolist()


def test_a_null_shuffles_the_seed_and_is_scored_on_the_true_pairs():
    rows = Rows(np.arange(50), np.array([60, 70]))
    made = [pairing(rows, Setting("null", 50, draw), 0, "en", "fr") for draw in range(2)]
    for one in made:
        assert sorted(one.seeds.second.tolist()) == list(range(50)) and one.source_to_target.tolist() == [60, 70]
        assert (one.seeds.first != one.seeds.second).mean() > 0.8
    assert made[0].seeds.second.tolist() != made[1].seeds.second.tolist()


def test_a_ceiling_null_is_scored_on_its_own_shuffled_pairs():
    """Query q's answer is the row its test row was paired with, and back."""
    made = pairing(ROWS, Setting("ceiling_null", 8, 0), 7, "en", "fr")
    paired = dict(zip(made.seeds.first.tolist(), made.seeds.second.tolist(), strict=True))
    for place, (query, answer) in enumerate(zip(ROWS.test, made.source_to_target, strict=True)):
        assert ROWS.test[paired[5 + place] - 5] == answer
        assert made.target_to_source[ROWS.test.tolist().index(answer)] == query


@pytest.mark.parametrize("name, size", [("null", 5), ("ceiling_null", 8)])
def test_the_order_of_the_languages_turns_a_pairing_round(name, size):
    one = pairing(ROWS, Setting(name, size, 0), 0, "en", "fr")
    other = pairing(ROWS, Setting(name, size, 0), 0, "fr", "en")
    assert {*zip(one.seeds.first, one.seeds.second, strict=True)} == {
        *zip(other.seeds.second, other.seeds.first, strict=True)
    }
    assert one.source_to_target.tolist() == other.target_to_source.tolist()
