"""Planted answers: what counts, what does not, and the paired difference."""

import numpy as np
import pytest

from jaxalign.evaluation.result import Ranks, SettingRanks
from jaxalign.metrics import all_answers
from jaxalign.metrics.evaluated import Evaluated
from jaxalign.types import Concepts, SpaceLabel, Split

IDS = ("dog", "pup", "cat", "cow", "hen")
WORDS = {"en": IDS, "fr": ("chien", "Toutou", "chat", "vache", "poule")}
ANSWERS = {
    "en": tuple((word,) for word in IDS),
    "fr": (("chien", "toutou"), ("Toutou",), ("chat",), ("vache", "chat"), ("poule",)),
}
COLUMNS = {"retrieval": "csls", "csls_k": 10, "candidates": "all", "completion": "drop"}


def evaluated(answers):
    """English to French: dog -> Toutou, cat -> chat, cow -> poule, hen -> poule; French to English: all right."""
    rank, best = np.ones((2, 2, 4), np.int32), np.tile(np.array([0, 2, 3, 4], np.int32), (2, 2, 1))
    rank[0, 1], best[0, 1] = [2, 1, 3, 1], [1, 2, 4, 4]
    table = SettingRanks("after", 1, 0, rank, best, np.zeros_like(rank))
    concepts = Concepts(IDS, ("physical",) * 5, WORDS, (), answers)
    split = Split(("pup",), ("dog", "cat", "cow", "hen"))
    return Evaluated(SpaceLabel("demo", "vanilla", "last", 4), Ranks(("en", "fr"), (table,)), concepts, split, COLUMNS)


def test_every_word_of_the_right_concept_counts():
    rows = all_answers.rows(evaluated(ANSWERS), bootstrap=200)
    value = {
        (row["source"], row["target"], row["metric"]): row["value"] for row in rows if row["subset"] == "all"
    }  # by hand: P@1 is 2 of 4, and toutou is a word of dog's synset
    assert value["en", "fr", "P@1_all_answers"] == pytest.approx(3 / 4)
    assert value["en", "fr", "P@1_all_answers - P@1"] == pytest.approx(1 / 4)
    assert value["fr", "en", "P@1_all_answers"] == 1 and value["fr", "en", "P@1_all_answers - P@1"] == 0
    assert value["mean", "mean", "P@1_all_answers"] == pytest.approx(7 / 8)
    assert all(row["low"] <= row["value"] <= row["high"] for row in rows)


def test_with_one_answer_each_nothing_is_added():
    one = {code: tuple((word,) for word in words) for code, words in WORDS.items()}
    rows = all_answers.rows(evaluated(one), bootstrap=0)
    assert {row["value"] for row in rows if row["metric"].endswith("- P@1")} == {0.0}
    assert not all_answers.rows(evaluated({}))


def test_the_share_of_concepts_with_several_words():
    (english, french) = all_answers.share_rows(evaluated(ANSWERS).concepts)
    assert (english["source"], english["value"]) == ("en", 0.0)
    assert (french["source"], french["metric"], french["value"], french["count"]) == ("fr", "several_words", 0.4, 5)
