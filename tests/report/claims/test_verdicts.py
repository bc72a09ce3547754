"""Planted effects are found with the right verdict, and not found where they are not."""

from dataclasses import replace

import numpy as np
import pytest

from jaxalign.report.claims.claim_file import Claim, SideSpec
from jaxalign.report.claims.verdicts import FAILS, HOLDS, UNKNOWN, judge
from tests.report.claims.planted import finished

ABSTRACT = Claim("a", "", "", 0.0, SideSpec(subset="abstract"), SideSpec(subset="physical_down"))
MAP = Claim("m", "", "", 0.0, SideSpec(setting="after"), SideSpec(setting="before"))
NEAR = Claim("n", "", "", 0.0, SideSpec(pairs=("fr-en",)), SideSpec(pairs=("fi-en", "th-*")))
LARGER = Claim("l", "", "", 0.0, SideSpec(models=("largest",)), SideSpec(models=("smallest",)))


def by_kind(gap):
    return lambda model, setting, source, target, kind: 0.4 + gap * (kind == "abstract") - 0.38 * (setting == "null")


def test_a_planted_gap_holds_its_opposite_does_not_and_none_cannot_be_told():
    found = judge(ABSTRACT, finished(by_kind(0.3)))
    assert found.verdict == HOLDS and found.found.low > 0.2 and found.found.p < 0.01
    assert found.left - found.right == pytest.approx(found.found.value)
    assert abs(found.null.value) < 0.37 and found.found.null_high < found.found.low
    assert judge(ABSTRACT, finished(by_kind(-0.3))).verdict == FAILS
    assert judge(ABSTRACT, finished(by_kind(0.0))).verdict == UNKNOWN
    wanted = Claim("a", "", "", 0.45, ABSTRACT.left, ABSTRACT.right)
    assert judge(wanted, finished(by_kind(0.3))).verdict == FAILS  # a gap, but not of 45 points


def test_the_value_is_the_difference_of_plain_means():
    runs = finished(by_kind(0.2))
    key = next(key for key in runs.ranks if key.setting == "after")
    hit, apart = runs.ranks[key] == 1, ~np.eye(4, dtype=bool)
    abstract = np.array(runs.kinds) == "abstract"
    expected = hit[apart][:, abstract].mean() - hit[apart][:, ~abstract].mean()
    assert judge(ABSTRACT, runs).found.value == pytest.approx(expected)
    pairs = judge(NEAR, runs)
    assert pairs.left == pytest.approx(hit[1, 0].mean())
    assert pairs.right == pytest.approx(np.mean([hit[2, 0], hit[3, 0], hit[3, 1], hit[3, 2]]))


def test_a_gap_that_identical_words_make_is_moved_by_them():
    flat = lambda model, setting, source, target, kind: 0.3  # noqa: E731
    found = judge(NEAR, finished(flat, queries=400, identical=1.0))
    confounds = {one.name: one for one in found.confounds}
    assert found.verdict == HOLDS
    assert confounds["identical words"].verdict == UNKNOWN and confounds["identical words"].moves
    assert confounds["identical words"].change_high < 0
    assert not confounds["without fi"].moves and "without en" not in confounds  # no pair of fr-en would be left
    real = lambda model, setting, source, target, kind: 0.6 if source == "fr" else 0.3  # noqa: E731
    assert judge(NEAR, finished(real, queries=400)).confounds[0].verdict == HOLDS


def test_families_and_what_runs_do_not_have():
    def chances(model, setting, source, target, kind):
        return {"m-1b": 0.3, "m-7b": 0.6, "other-2b": 0.9}[model]

    runs = finished(chances, models=("m-1b", "m-7b", "other-2b"))
    found = judge(LARGER, runs)
    assert found.verdict == HOLDS and found.left == pytest.approx(0.6, abs=0.05)  # the family with one size is left out
    alone = judge(LARGER, finished(chances))
    assert alone.verdict == UNKNOWN and "two sizes" in alone.reason and alone.found is None
    for side, said in (
        (SideSpec(models=("x",)), "no model x"),
        (SideSpec(embedding="prompt"), "no ranks of prompt"),
        (SideSpec(layer="1"), "layer 1"),
        (SideSpec(pairs=("ja-en",)), "not run on the pairs ja-en"),
    ):
        missing = judge(Claim("c", "", "", 0.0, side, SideSpec()), runs)
        assert missing.verdict == UNKNOWN and said in missing.reason


def test_all_models_are_those_that_have_what_both_sides_ask():
    runs = finished(by_kind(0.3), models=("m-1b", "m-7b"))
    for key in [key for key in runs.ranks if key.model == "m-1b" and key.setting == "after"]:
        del runs.ranks[key]
    found = judge(ABSTRACT, runs)
    alone = [replace(side, models=("m-7b",)) for side in (ABSTRACT.left, ABSTRACT.right)]
    assert found.left_out == ("m-1b has no ranks of vanilla, layer last, csls, after",)
    assert found.left == judge(Claim("a", "", "", 0.0, *alone), runs).left and found.null is not None
    named = replace(ABSTRACT, left=replace(ABSTRACT.left, models=("m-1b", "m-7b")))
    assert judge(named, runs).verdict == UNKNOWN


def test_gains_of_a_map():
    def chances(model, setting, source, target, kind):
        return {"before": 0.3, "after": 0.6 if kind == "abstract" else 0.3, "null": 0.02}[setting]

    runs = finished(chances)
    assert judge(MAP, runs).verdict == HOLDS and judge(MAP, runs).null is None
    gain = Claim(
        "g", "", "", 0.1, SideSpec(subset="abstract", less="before"), SideSpec(subset="physical", less="before")
    )
    found = judge(gain, runs)
    assert found.verdict == HOLDS
    key = next(key for key in runs.ranks if key.setting == "null")
    lost = runs.gain(key, "P@1") - runs.gain(key._replace(setting="before", seed_size=0), "P@1")
    apart, abstract = ~np.eye(4, dtype=bool), np.array(runs.kinds) == "abstract"
    expected = lost[apart][:, abstract].mean() - lost[apart][:, ~abstract].mean()
    assert found.null.value == pytest.approx(expected)  # the gain of a map that knows nothing


def test_nothing_is_claimed_too_often():
    """120 studies without any gap: 2.5 % should hold by chance."""
    verdicts = [judge(ABSTRACT, finished(by_kind(0.0), 60, seed), 99).verdict for seed in range(120)]
    assert verdicts.count(HOLDS) <= 9 and verdicts.count(FAILS) <= 9
