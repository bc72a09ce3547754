"""Ranks of the best right word: by hand, against the scores of the float64 reference, and what they add."""

import numpy as np
import pytest

from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.evaluation.pairs import evaluate
from jaxalign.evaluation.rows import Rows
from jaxalign.metrics import any_answer
from jaxalign.metrics.evaluated import Evaluated
from jaxalign.types import Concepts, Split
from tests.conftest import planted
from tests.planted import COLUMNS, LABEL, pick
from tests.reference import reference_pairs

IDS = tuple(f"c{i:02}.n.{1 + i % 4:02}" for i in range(50))
SEED, TEST = np.arange(30), np.arange(30, 50)
ASKED = dict(retrieval="csls", csls_k=4)


def study(further):
    """Two languages; the French answers of concept `row` are its own word and that of each of `further[row]`."""
    words = {code: tuple(f"{code}{i}" for i in range(50)) for code in ("en", "fr")}
    answers = {code: tuple((word,) for word in column) for code, column in words.items()}
    answers["fr"] = tuple(
        (word, *(words["fr"][other].upper() for other in further.get(row, ()))) for row, word in enumerate(words["fr"])
    )
    concepts = Concepts(IDS, ("abstract", "physical") * 25, words, (), answers)
    split = Split(IDS[:30], IDS[30:])
    spaces = planted(0, 50, 12, ("en", "fr"), noise=0.9)
    options = AlignmentOptions(**ASKED)
    ranks = evaluate(spaces, Rows(SEED, TEST), options)
    subsets = any_answer.sense_subsets(split.test)
    return spaces, options, Evaluated(LABEL, ranks, concepts, split, COLUMNS | ASKED, subsets)


def test_by_hand():
    scores = np.array([[5.0, 4, 3, 2], [5, 4, 4, 1], [1, 2, 3, 4]])
    also = np.array([[False, True, False, False], [False, False, True, False], [False, False, False, False]])
    rank, ties = any_answer.best_of_right(scores, also, np.array([3, 3, 3]))
    assert rank.tolist() == [2, 2, 1] and ties.tolist() == [0, 1, 0]


def test_ranks_are_those_of_the_reference():
    further = {row: [(row + 7) % 50, (row + 20) % 50] for row in range(30, 50, 2)}
    spaces, options, evaluated = study(further)
    found = {table.every.setting: table for table in any_answer.ranks(spaces, Rows(SEED, TEST), options, evaluated)}
    for setting in ("before", "after"):
        for i, j, scores, answer in reference_pairs(
            spaces, SEED, TEST, setting, "csls", 4, "all", options.normalize, "drop"
        ):
            for query, row in enumerate(TEST):
                right = [row, *(further.get(int(row), []) if j == 1 else [])]
                best = scores[query, right].max()
                wrong = np.delete(np.arange(50), right)
                assert answer[query] == row
                assert found[setting].every.rank[i, j, query] == 1 + (scores[query, wrong] > best).sum()
            assert (found[setting].first.rank[i, j] == evaluated.ranks[setting][i, j]).mean() > 0.9


def test_rows_and_where_nothing_is_added():
    spaces, options, evaluated = study({row: [(row + 7) % 50] for row in range(30, 50)})
    rows = any_answer.rows(
        evaluated, any_answer.ranks(spaces, Rows(SEED, TEST), options, evaluated), ks=(1, 5), bootstrap=200
    )
    key = dict(setting="after", subset="all", source="en", target="fr")
    (every,) = pick(rows, metric="P@5_all_answers", **key)
    (more,) = pick(rows, metric="P@5_all_answers - P@5", **key)
    plain = (evaluated.ranks["after"][0, 1] <= 5).mean()
    assert more["value"] > 0 and every["value"] - more["value"] == pytest.approx(plain, abs=0.051)
    assert all(row["value"] >= 0 for row in rows) and not pick(rows, metric="P@1_all_answers", subset="all")
    assert pick(rows, metric="P@1_all_answers", subset="rare_sense") and pick(rows, metric="MRR_all_answers")
    (back,) = pick(rows, metric="MRR_all_answers - MRR", setting="after", subset="all", source="fr", target="en")
    assert back["value"] == back["low"] == 0  # English has one word each


def test_senses():
    assert any_answer.sense_numbers(("dog.n.01", "time.n.05")).tolist() == [1, 5]
    assert any_answer.sense_numbers(("dog.n.01", "dog")) is None and any_answer.sense_subsets(("a", "b")) == {}
    masks = any_answer.sense_subsets(IDS)
    assert masks["first_sense"].sum() == 13 and masks["rare_sense"].sum() == 24
