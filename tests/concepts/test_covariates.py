"""Traits of concepts, and samples matched on them: planted data, references, and the real wordnets."""

from pathlib import Path

import nltk
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxalign.concepts import covariates, dataset
from jaxalign.types import Concepts, InputError

NLTK_DATA = Path(__file__).resolve().parents[3] / "shared" / "nltk_data"
KINDS = ("abstract",) * 150 + ("physical",) * 400


def _difference(values: np.ndarray, a: np.ndarray, b: np.ndarray) -> float:
    """The textbook's standardised difference of means in a sample."""
    return (values[a].mean() - values[b].mean()) / np.sqrt((values[a].var() + values[b].var()) / 2)


def _planted(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Frequency and senses that differ between the kinds by about one standard deviation."""
    rng = np.random.default_rng(seed)
    abstract = np.array(KINDS) == "abstract"
    return rng.normal(size=550) + abstract, 1 + rng.poisson(1.0 + 1.2 * abstract)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("names", [("zipf",), ("senses",), ("zipf", "senses")])
def test_matched_samples_are_alike(seed, names):
    zipf, senses = _planted(seed)
    chosen = {name: value for name, value in (("zipf", zipf), ("senses", senses)) if name in names}
    found = covariates.matched(KINDS, chosen, rng_seed=seed)
    assert len(found.abstract) == len(found.physical) >= 75
    assert len(set(found.abstract)) == len(found.abstract) and max(found.abstract) < 150
    assert len(set(found.physical)) == len(found.physical) and min(found.physical) >= 150
    for name, value in chosen.items():
        assert abs(_difference(value, np.arange(150), np.arange(150, 550))) > 0.5  # before
        assert abs(_difference(value, found.abstract, found.physical)) < 0.1
        assert abs(found.differences[name]) >= abs(_difference(value, found.abstract, found.physical)) - 1e-12


def test_a_gap_from_frequency_goes_and_another_stays():
    zipf, _ = _planted(0)
    rng = np.random.default_rng(1)
    abstract = np.array(KINDS) == "abstract"
    from_frequency = zipf + 0.1 * rng.normal(size=550)
    of_its_own = abstract + 0.1 * rng.normal(size=550)
    found = covariates.matched(KINDS, {"zipf": zipf})
    gap = [score[found.abstract].mean() - score[found.physical].mean() for score in (from_frequency, of_its_own)]
    assert from_frequency[:150].mean() - from_frequency[150:].mean() > 0.8
    assert abs(gap[0]) < 0.12 and gap[1] > 0.9


def test_the_rarer_kind_may_be_either_and_the_seed_decides():
    zipf, _ = _planted(2)
    turned = tuple("physical" if kind == "abstract" else "abstract" for kind in KINDS)
    found, other = covariates.matched(KINDS, {"zipf": zipf}, 7), covariates.matched(turned, {"zipf": zipf}, 7)
    assert np.array_equal(found.abstract, other.physical) and np.array_equal(found.physical, other.abstract)
    assert found.differences["zipf"] == -other.differences["zipf"]
    assert np.array_equal(found.physical, covariates.matched(KINDS, {"zipf": zipf}, 7).physical)
    assert not np.array_equal(found.physical, covariates.matched(KINDS, {"zipf": zipf}, 8).physical)


def test_what_cannot_be_matched():
    kinds = ("abstract", "abstract", "physical", "physical", "other")
    apart = covariates.matched(kinds, {"zipf": np.array([1.0, 1.1, 8.0, 8.1, 1.0])})
    assert len(apart.abstract) == 0 and np.isnan(apart.differences["zipf"])
    one = covariates.matched(kinds, {"zipf": np.array([1.0, 5.0, 9.0, 5.0, 1.0])})
    assert (one.abstract.tolist(), one.physical.tolist(), one.differences) == ([1], [3], {"zipf": 0.0})
    unknown = covariates.matched(kinds, {"zipf": np.array([np.nan, 5.0, 5.0, np.nan, 1.0])})
    assert (unknown.abstract.tolist(), unknown.physical.tolist()) == ([1], [2])
    nothing = covariates.matched(("physical",) * 3, {"zipf": np.ones(3)})
    assert len(nothing.abstract) == len(nothing.physical) == 0
    constant = covariates.matched(kinds, {"zipf": np.ones(5)})
    assert len(constant.abstract) == 2 and constant.differences == {"zipf": 0.0}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 12), st.integers(0, 12), st.integers(1, 3))
def test_matching_never_breaks_its_word(seed, abstract, physical, width):
    rng = np.random.default_rng(seed)
    kinds = ("abstract",) * abstract + ("physical",) * physical
    values = {str(name): rng.integers(0, 4, len(kinds)).astype(float) for name in range(width)}
    found = covariates.matched(kinds, values, seed)
    assert len(found.abstract) == len(found.physical) <= min(abstract, physical)
    if len(found.abstract):
        assert all(abs(difference) < 0.1 for difference in found.differences.values())


def _levenshtein(a: str, b: str) -> int:
    if not a or not b:
        return len(a) + len(b)
    return min(_levenshtein(a[1:], b) + 1, _levenshtein(a, b[1:]) + 1, _levenshtein(a[1:], b[1:]) + (a[0] != b[0]))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.text("abé", max_size=5), st.text("abé", max_size=5)), max_size=6))
def test_edit_distance(pairs):
    a, b = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    assert covariates.edit_distance(a, b).tolist() == [_levenshtein(x, y) for x, y in pairs]


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


@pytest.fixture
def data(monkeypatch):
    if not (NLTK_DATA / "corpora").is_dir():
        pytest.skip("needs the wordnets in ../shared/nltk_data")
    monkeypatch.setattr(nltk.data, "path", [str(NLTK_DATA)])


def test_senses_agree_with_nltk(data):
    made = dataset.load("builtin", ("en", "fr"))
    reader = nltk.corpus.wordnet
    for word, count in list(zip(made.words["en"], covariates.senses(made, "en"), strict=True))[::25]:
        assert count == len(reader.lemmas(word, "n")), word  # synsets() would look up "trouser" for "trousers"
    for word, count in list(zip(made.words["fr"], covariates.senses(made, "fr"), strict=True))[::25]:
        assert count == len(reader.synsets(word.replace(" ", "_"), "n", "fra")), word


def test_domains(data):
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
