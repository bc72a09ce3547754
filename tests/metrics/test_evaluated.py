"""Subsets by kind, identical answers, and ranks that are not those of their split."""

import numpy as np
import pytest

from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.evaluation.result import Ranks, SettingRanks
from jaxalign.metrics.evaluated import Evaluated, identical_answers, kind_subsets
from jaxalign.types import Concepts, InputError, SpaceLabel, Split

WORDS = {"en": ("dog", "bank", "bank", "hope"), "fr": ("chien", "banque", "rive", "espoir")}
CONCEPTS = Concepts(("a", "b", "c", "d"), ("physical", "physical", "physical", "abstract"), WORDS, ())
SPLIT = Split(("a",), ("b", "c", "d"))


def evaluated(queries):
    rank = np.ones((2, 2, queries), np.int32)
    ranks = Ranks(("en", "fr"), (SettingRanks("after", 1, 0, rank, rank, rank),))
    return Evaluated(SpaceLabel("m", "vanilla", "last", 0), ranks, CONCEPTS, SPLIT, AlignmentOptions().columns)


def test_physical_queries_are_drawn_down_to_the_number_of_abstract_ones():
    masks = kind_subsets(["abstract"] * 5 + ["physical"] * 20 + ["other"] * 3, rng_seed=1)
    assert {name: int(mask.sum()) for name, mask in masks.items()} == {
        "all": 28, "abstract": 5, "physical": 20, "physical_down": 5,
    }  # fmt: skip
    assert not (masks["physical_down"] & ~masks["physical"]).any()
    assert list(kind_subsets(["other", "other"])) == ["all"]


def test_answers_masks_and_candidates_of_a_space():
    made = evaluated(3)
    made.check()
    assert made.answers().tolist() == [1, 2, 3] and made.candidates() == 4
    assert made.masks(0)["abstract"].tolist() == [False, False, True]
    assert made.place("after", 1).retrieval == "csls" and list(made.by_setting()) == [("after", 1)]


def test_ranks_of_another_split_are_refused():
    with pytest.raises(InputError, match=r"shape \(2, 2, 3\).*got \(2, 2, 4\)"):
        evaluated(4).check()


def test_one_word_with_one_vector_in_two_concepts_is_one_answer():
    vectors = {"en": np.array([[0.0], [1.0], [1.0], [2.0]]), "fr": np.array([[0.0], [1.0], [1.0], [2.0]])}
    assert identical_answers(CONCEPTS, SPLIT, vectors, "all").tolist() == [[1, 1, 0], [0, 0, 0]]
