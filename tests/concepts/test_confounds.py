"""Confounds of pairs: shapes, names, what is left out and what replaces what."""

import numpy as np
import pytest

from jaxalign.concepts import confounds, covariates
from jaxalign.types import Concepts, InputError

WORDS = {"en": ("dog", "hope", "Paris"), "fr": ("chien", "espoir", "Paris")}
CONCEPTS = Concepts(("dog", "hope", "paris"), ("physical", "abstract", "other"), WORDS, ())


def test_of_concepts(monkeypatch):
    monkeypatch.setattr(covariates, "frequency", lambda concepts, code: np.array([5.0, 4.0, 0.0]))
    monkeypatch.setattr(covariates, "senses", lambda concepts, code: np.array([7, 1, 0]))
    made = confounds.of_concepts(CONCEPTS, ("dog", "hope", ""), {"concreteness": np.array([4.9, 1.0, np.nan])})
    assert list(made) == ["abstract", "frequency", "senses", "concreteness"]
    assert made["abstract"].tolist() == [0, 1, 0] and made["frequency"][:2].tolist() == [5, 4]
    assert np.isnan(made["frequency"][2]) and made["senses"][0] == pytest.approx(np.log(8))
    own = confounds.of_concepts(CONCEPTS, ("dog", "hope", ""), {"frequency": np.ones(3)})
    assert own["frequency"].tolist() == [1, 1, 1]


def test_what_is_not_installed_is_left_out(monkeypatch):
    def missing(concepts, code):
        raise InputError("Expected it, got none.")

    monkeypatch.setattr(covariates, "frequency", missing)
    monkeypatch.setattr(covariates, "senses", missing)
    assert list(confounds.of_concepts(CONCEPTS, ("dog", "hope", "Paris"), {})) == ["abstract"]
    one_kind = CONCEPTS._replace(kinds=("other",) * 3)
    assert confounds.of_concepts(one_kind, (), {}) == {}


def test_of_pairs():
    tokens = {"en": np.array([1, 1, 2]), "fr": np.array([2, 1, 2])}
    made = confounds.of_pairs(CONCEPTS, {"frequency": np.array([5.0, 4.0, 3.0])}, tokens)
    assert all(values.shape == (2, 2, 3) for values in made.values())
    assert made["tokens_source"][0, 1].tolist() == [1, 1, 2] and made["tokens_target"][0, 1].tolist() == [2, 1, 2]
    assert made["equal_tokens"][1, 0].tolist() == [0, 1, 1] and made["frequency"][1, 0].tolist() == [5, 4, 3]
    assert made["form_overlap"][0, 1, 2] == 1 and 0 <= made["form_overlap"][0, 1, 0] < 0.5
    assert (made["form_overlap"][0, 0] == 0).all()
    assert "equal_tokens" not in confounds.of_pairs(CONCEPTS, {}, {})
