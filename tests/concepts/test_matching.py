"""Matched samples: on planted data, and for every small input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxalign.concepts import matching

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
    pairs = matching.match(KINDS, chosen, rng_seed=seed)
    assert len(pairs.abstract) == len(pairs.physical) >= 75
    assert len(set(pairs.abstract)) == len(pairs.abstract) and max(pairs.abstract) < 150
    assert len(set(pairs.physical)) == len(pairs.physical) and min(pairs.physical) >= 150
    for name, value in chosen.items():
        assert abs(_difference(value, np.arange(150), np.arange(150, 550))) > 0.5  # before
        assert abs(_difference(value, pairs.abstract, pairs.physical)) < 0.1
        assert abs(pairs.differences[name]) >= abs(_difference(value, pairs.abstract, pairs.physical)) - 1e-12


def test_a_gap_from_frequency_goes_and_another_stays():
    zipf, _ = _planted(0)
    rng = np.random.default_rng(1)
    abstract = np.array(KINDS) == "abstract"
    from_frequency = zipf + 0.1 * rng.normal(size=550)
    of_its_own = abstract + 0.1 * rng.normal(size=550)
    pairs = matching.match(KINDS, {"zipf": zipf})
    gap = [score[pairs.abstract].mean() - score[pairs.physical].mean() for score in (from_frequency, of_its_own)]
    assert from_frequency[:150].mean() - from_frequency[150:].mean() > 0.8
    assert abs(gap[0]) < 0.12 and gap[1] > 0.9


def test_the_rarer_kind_may_be_either_and_the_seed_decides():
    zipf, _ = _planted(2)
    turned = tuple("physical" if kind == "abstract" else "abstract" for kind in KINDS)
    pairs, other = matching.match(KINDS, {"zipf": zipf}, 7), matching.match(turned, {"zipf": zipf}, 7)
    assert np.array_equal(pairs.abstract, other.physical) and np.array_equal(pairs.physical, other.abstract)
    assert pairs.differences["zipf"] == -other.differences["zipf"]
    assert np.array_equal(pairs.physical, matching.match(KINDS, {"zipf": zipf}, 7).physical)
    assert not np.array_equal(pairs.physical, matching.match(KINDS, {"zipf": zipf}, 8).physical)


def test_rows_that_cannot_be_matched():
    kinds = ("abstract", "abstract", "physical", "physical", "other")
    apart = matching.match(kinds, {"zipf": np.array([1.0, 1.1, 8.0, 8.1, 1.0])})
    assert len(apart.abstract) == 0 and np.isnan(apart.differences["zipf"])
    one = matching.match(kinds, {"zipf": np.array([1.0, 5.0, 9.0, 5.0, 1.0])})
    assert (one.abstract.tolist(), one.physical.tolist(), one.differences) == ([1], [3], {"zipf": 0.0})
    unknown = matching.match(kinds, {"zipf": np.array([np.nan, 5.0, 5.0, np.nan, 1.0])})
    assert (unknown.abstract.tolist(), unknown.physical.tolist()) == ([1], [2])
    nothing = matching.match(("physical",) * 3, {"zipf": np.ones(3)})
    assert len(nothing.abstract) == len(nothing.physical) == 0
    constant = matching.match(kinds, {"zipf": np.ones(5)})
    assert len(constant.abstract) == 2 and constant.differences == {"zipf": 0.0}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 12), st.integers(0, 12), st.integers(1, 3))
def test_matched_pairs_keep_what_they_promise(seed, abstract, physical, width):
    rng = np.random.default_rng(seed)
    kinds = ("abstract",) * abstract + ("physical",) * physical
    values = {str(name): rng.integers(0, 4, len(kinds)).astype(float) for name in range(width)}
    pairs = matching.match(kinds, values, seed)
    assert len(pairs.abstract) == len(pairs.physical) <= min(abstract, physical)
    if len(pairs.abstract):
        assert all(abs(difference) < 0.1 for difference in pairs.differences.values())
