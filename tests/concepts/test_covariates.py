"""Covariates of concepts, against references and the real wordnets."""

import nltk
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxalign.concepts import covariates, dataset
from jaxalign.types import Concepts, InputError


def _levenshtein(a: str, b: str) -> int:
    if not a or not b:
        return len(a) + len(b)
    return min(_levenshtein(a[1:], b) + 1, _levenshtein(a, b[1:]) + 1, _levenshtein(a[1:], b[1:]) + (a[0] != b[0]))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.text("abé", max_size=5), st.text("abé", max_size=5)), max_size=6))
def test_the_distance_is_levenshteins_over_the_longer_word(pairs):
    a, b = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    expected = [_levenshtein(x, y) / max(len(x), len(y), 1) for x, y in pairs]
    assert covariates.form_overlap(a, b).distance.tolist() == expected


def test_form_overlap():
    rows = [
        ("piano", "piano", 1, 1, 1, 0.0),
        ("May", "may", 0, 1, 1, 0.0),
        ("Étude", "etude", 0, 0, 1, 1 / 5),
        ("idea", "idée", 0, 0, 0, 2 / 4),
        ("telefono", "telefon", 0, 0, 0, 1 / 8),
        ("が", "か", 0, 0, 0, 1.0),
        ("ปู", "ปุ", 0, 0, 0, 1 / 2),
        ("dog", "犬", 0, 0, 0, 1.0),
    ]
    found = covariates.form_overlap([row[0] for row in rows], [row[1] for row in rows])
    assert [found.exact.tolist(), found.folded.tolist(), found.plain.tolist()] == [
        [bool(row[place]) for row in rows] for place in (2, 3, 4)
    ]
    assert np.allclose(found.distance, [row[5] for row in rows])
    assert covariates.form_overlap([], []).distance.shape == (0,)


def test_frequency_is_refused_where_wordfreq_would_guess():
    pytest.importorskip("wordfreq", reason="needs wordfreq, of the study extra")
    words = {code: ("the", "zyzzyva") for code in ("en", "eng", "eu", "th", "xx")}
    made = Concepts(("a", "b"), ("other", "other"), words, ())
    common, rare = covariates.frequency(made, "en")
    assert common > 7 and rare < 2
    assert np.array_equal(covariates.frequency(made, "eng"), [common, rare])
    for code in ("eu", "th", "xx"):
        with pytest.raises(InputError, match=f"wordfreq has a list of .*en.*got '{code}'"):
            covariates.frequency(made, code)
    with pytest.raises(InputError, match="language of the concepts .*got 'fr'"):
        covariates.frequency(made, "fr")


@pytest.mark.slow
def test_senses_agree_with_nltk(real_wordnets):
    made = dataset.load("builtin", ("en", "fr"))
    reader = nltk.corpus.wordnet
    for word, count in list(zip(made.words["en"], covariates.senses(made, "en"), strict=True))[::25]:
        assert count == len(reader.lemmas(word, "n")), word  # synsets() would look up "trouser" for "trousers"
    for word, count in list(zip(made.words["fr"], covariates.senses(made, "fr"), strict=True))[::25]:
        assert count == len(reader.synsets(word.replace(" ", "_"), "n", "fra")), word


def test_domains(real_wordnets):
    made = dataset.load("builtin", ("en",))
    made = made._replace(ids=("mine", *made.ids[1:]))
    masks = covariates.domains(made)
    members = {domain: {made.ids[row] for row in np.flatnonzero(mask)} for domain, mask in masks.items()}
    assert {"cancer.n.01", "fever.n.01", "medicine.n.02"} <= members["medical"]
    assert {"computer.n.01", "meter.n.01", "gold.n.03"} <= members["technical"]
    assert {"bread.n.01", "chair.n.01", "mother.n.01", "shoe.n.01"} <= members["everyday"]
    assert {"love.n.01", "joy.n.01", "anger.n.01"} <= members["feelings"]
    assert {"dog.n.01", "bee.n.01"} <= members["animals"] and "hand.n.01" in members["body"]
    assert {"monday.n.01", "summer.n.01"} <= members["time"] and "lake.n.01" in members["places"]
    assert not any("mine" in names for names in members.values())
    assert all(5 <= len(names) < 100 for names in members.values())
    assert members["feelings"].isdisjoint(members["animals"] | members["medical"] | members["plants"])
