"""Rows of what is counted: concepts of each sort, shared forms, balance of samples, parameters."""

import numpy as np
import pytest

from jaxalign.metrics import dataset_rows
from jaxalign.types import Concepts, Split
from tests.planted import pick

CONCEPTS = Concepts(
    ids=tuple("abcd"),
    kinds=("abstract", "physical", "abstract", "physical"),
    words={"en": ("hotel", "dog", "Piano", "tree"), "fr": ("hotel", "chien", "piano", "arbre"),
           "fi": ("hotelli", "koira", "piano", "puu")},
    filters=(("listed", 9), ("complete", 4)),
)  # fmt: skip
SPLIT = Split(seed=("a",), test=("b", "c", "d"))


def values(rows, **about):
    return {row["subset"]: row["value"] for row in pick(rows, **about)}


def test_how_many_concepts_there_are_of_each_sort():
    domains = {"music": np.array([False, False, True, True])}
    rows = dataset_rows.concept_rows(CONCEPTS, SPLIT, domains)
    assert {row["metric"] for row in rows} == {"concepts"}
    assert values(rows, setting="filter") == {"listed": 9, "complete": 4} and values(rows, setting="seed") == {"all": 1}
    assert values(rows, setting="concepts") == {"all": 4, "abstract": 2, "physical": 2, "domain:music": 2}
    assert values(rows, setting="test") == {"all": 3, "abstract": 1, "physical": 2, "domain:music": 2}


def test_the_share_of_concepts_whose_two_words_are_one():
    rows = dataset_rows.form_rows(CONCEPTS)
    (there,) = pick(rows, source="en", target="fr", metric="identical", subset="all")
    (back,) = pick(rows, source="fr", target="en", metric="identical", subset="all")
    assert there["value"] == back["value"] == 1 / 4 and there["count"] == 4
    (folded,) = pick(rows, source="en", target="fr", metric="identical_folded", subset="abstract")
    assert folded["value"] == 1.0 and folded["count"] == 2
    (mean,) = pick(rows, source="mean", target="mean", metric="identical", subset="all")
    assert mean["value"] == pytest.approx(np.mean([1 / 4, 0, 1 / 4]), abs=1e-5)  # en-fr, en-fi, fr-fi


def test_balance_is_the_standardised_difference():
    traits = {"tokens": np.array([9.0, 1.0, 4.0, 3.0])}
    mask = {"abstract_matched": np.array([False, True, False]), "physical_matched": np.array([False, False, True])}
    rows = dataset_rows.balance_rows("m", CONCEPTS, SPLIT, traits, mask)
    found = values(rows, metric="difference_tokens")
    a, p = np.array([4.0]), np.array([1.0, 3.0])
    gap = (a.mean() - p.mean()) / np.sqrt((a.var() + p.var()) / 2)
    assert found["abstract - physical"] == pytest.approx(gap, rel=1e-5)
    assert set(found) == {"abstract - physical"}  # the samples of one concept each have no spread
    same = dataset_rows.balance_rows("m", CONCEPTS, SPLIT, {"tokens": np.ones(4)}, mask)
    assert set(values(same).values()) == {0.0}


def test_the_size_of_a_model():
    row = dataset_rows.parameter_row("m", 7_000_000_000)
    assert (row["model"], row["metric"], row["value"]) == ("m", "parameters", 7_000_000_000)
