"""What is taken away from a claim."""

import numpy as np
import pytest

from jaxalign.report.claims.restrictions import Asked, masks
from tests.report.claims.planted import finished

RUNS = finished(lambda *asked: 0.5)
EVERY = np.ones(200, bool)


def test_identical_words_and_languages():
    fr, fi = [("m-1b", "fr", "en")], [("m-1b", "fi", "en"), ("m-1b", "th", "en")]
    made = masks(Asked(fr, EVERY), Asked(fi, EVERY), RUNS)
    assert made.keys() == {"identical words", "loans", "without fi", "without th"}
    assert made["identical words"].left.sum() == 160 and made["identical words"].right.all()
    assert made["without fi"].left.all() and made["without fi"].right.sum(1).tolist() == [0, 200]


def test_different_concepts_are_matched():
    abstract = np.array(RUNS.kinds) == "abstract"
    words = dict(RUNS.words, en=["a" * (3 + 2 * one + i % 5) for i, one in enumerate(abstract)])
    cells = [("m-1b", "fr", "fi")]
    made = masks(Asked(cells, abstract), Asked(cells, ~abstract), RUNS._replace(words=words))
    kept, length = made["word length"], np.array([len(word) for word in words["en"]])
    assert 0 < kept.left.sum() == kept.right.sum() < 100 and not (kept.left & kept.right).any()
    assert length[kept.left[0]].mean() == pytest.approx(length[kept.right[0]].mean(), abs=0.2)
    assert "word length" not in masks(Asked(cells, EVERY), Asked(cells, EVERY), RUNS)
    without_english = {code: column for code, column in RUNS.words.items() if code != "en"}
    others = masks(Asked(cells, abstract), Asked(cells, ~abstract), RUNS._replace(words=without_english))
    assert "word length" not in others
