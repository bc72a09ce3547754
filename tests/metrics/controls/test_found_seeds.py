"""Rows of found seeds: values against the ranks, pairs that are left out, differences and nulls."""

import numpy as np
import pytest

from jaxalign.evaluation import found_seeds as seeds_found
from jaxalign.evaluation.found_seeds import Search
from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.evaluation.pairs import evaluate
from jaxalign.evaluation.rows import Rows
from jaxalign.metrics.controls import found_seeds
from jaxalign.metrics.controls.found_seeds import Numbers
from jaxalign.metrics.evaluated import Evaluated
from jaxalign.types import Concepts, Split
from tests.conftest import planted
from tests.planted import LABEL, pick

ROWS = Rows(np.arange(100), np.arange(100, 160))
OPTIONS = AlignmentOptions(csls_k=5, settings=("before", "after"))


def made(spaces, search, bootstrap=100):
    ids = tuple(f"c{number}" for number in range(160))
    concepts = Concepts(ids, ("physical",) * 160, {code: ids for code in spaces}, ())
    ranks = evaluate(spaces, ROWS, OPTIONS)
    given = Evaluated(LABEL, ranks, concepts, Split(ids[:100], ids[100:]), OPTIONS.columns)
    return found_seeds.rows(given, spaces, ROWS, OPTIONS, search, Numbers((1, 5), bootstrap)), ranks


@pytest.fixture(scope="module")
def spaces():
    return planted(3, 160, 24, 3, noise=0.4)


def test_pairs_without_enough_words_are_left_out_of_every_mean(spaces):
    few, some = np.arange(100) < 3, np.arange(100) < 30
    search = Search({("en", "fr"): some, ("en", "ro"): few, ("fr", "ro"): few}, 2, 3)
    rows, ranks = made(spaces, search)
    assert {row["subset"] for row in rows} == {"with_identical"}
    assert {(row["source"], row["target"]) for row in rows} == {("en", "fr"), ("fr", "en"), ("mean", "mean")}
    found = {one.setting: one for one in seeds_found.evaluate(spaces, ROWS, OPTIONS, search._replace(draws=0))}
    for name, one in found.items():
        hits = [(side[0] == 1).mean() for side in one.ranks]
        pairs = [pick(rows, setting=name, metric="P@1", source=code)[0] for code in ("en", "fr", "mean")]
        assert [row["value"] for row in pairs] == pytest.approx([*hits, np.mean(hits)], abs=1e-6)
        assert all(row["low"] < row["value"] < row["high"] for row in pairs)
        (seeds,) = pick(rows, setting=name, metric="seeds", source="fr")
        assert seeds["value"] == one.seeds and seeds["seed_size"] == 100
    (after,) = pick(rows, setting="after", metric="P@1", source="mean")
    assert after["value"] == pytest.approx((ranks["after"][[0, 1], [1, 0]] == 1).mean(), abs=1e-6)


def test_differences_are_tested_and_nulls_are_low(spaces):
    alike = {pair: np.arange(100) < 40 for pair in (("en", "fr"), ("en", "ro"), ("fr", "ro"))}
    rows, _ = made(spaces, Search(alike, 2, 2))
    assert {row["subset"] for row in rows} == {"all"} and not pick(rows, setting="before")
    mean = {(row["setting"], row["metric"]): row for row in rows if row["source"] == "mean"}
    value = {name: mean[name, "P@1"]["value"] for name in ("identical", "refined", "identical_null", "refined_null")}
    assert min(value["identical"], value["refined"]) > 0.3 > 0.1 > max(value["identical_null"], value["refined_null"])
    gain = mean["refined - identical", "P@1"]
    assert gain["value"] == pytest.approx(value["refined"] - value["identical"], abs=1e-5)
    assert gain["low"] <= gain["value"] <= gain["high"]
    assert mean["refined - refined_null", "P@1_p"]["value"] == 0.001
    assert len(pick(rows, setting="refined - after", metric="MRR_p")) == 7
    assert mean["identical", "P@1"]["layer"] == LABEL.layer and ("identical", "P@5") in mean


def test_without_identical_words_only_the_refined_map_has_rows(spaces):
    rows, _ = made(spaces, Search(None, 1, 1), bootstrap=0)
    assert {row["setting"] for row in rows} == {"refined", "refined_null"}
    few = {pair: np.zeros(100, bool) for pair in (("en", "fr"), ("en", "ro"), ("fr", "ro"))}
    assert made(spaces, Search(few, 1, 1))[0] == []
