"""Subsets of the test concepts that control for forms, kinds, covariates and domains."""

import numpy as np

from jaxalign.concepts import subsets
from jaxalign.types import Concepts, Split

CONCEPTS = Concepts(
    ids=tuple("abcdef"),
    kinds=("abstract", "physical") * 3,
    words={
        "en": ("hotel", "dog", "Piano", "café", "music", "tree"),
        "fr": ("hotel", "chien", "piano", "cafe", "musik", "arbre"),
        "fi": ("hotelli", "koira", "piano", "kahvi", "musiikki", "puu"),
    },
    filters=(),
)
SPLIT = Split(seed=("b",), test=("f", "a", "c", "d", "e"))
WITHOUT = dict(languages=("en", "fr", "fi"), measured={}, domains={})


def masks(*wanted, **changes):
    return subsets.subsets(wanted, CONCEPTS, SPLIT, **(WITHOUT | changes))


def test_the_test_set_follows_the_split():
    rows, test = subsets.test_set(CONCEPTS, SPLIT)
    assert rows.tolist() == [5, 0, 2, 3, 4]
    assert test.ids == SPLIT.test and test.words["en"] == ("tree", "hotel", "Piano", "café", "music")
    assert test.kinds == ("physical", "abstract", "abstract", "physical", "abstract")


def test_same_forms_are_removed_pair_by_pair():
    found = masks("identical")
    assert set(found) == {"identical_removed", "identical_removed_folded", "identical_removed_plain", "loans_removed"}
    kept = {name: mask[0, 1].tolist() for name, mask in found.items()}  # tree, hotel, Piano, café, music
    assert kept["identical_removed"] == [True, False, True, True, True]
    assert kept["identical_removed_folded"] == [True, False, False, True, True]
    assert kept["identical_removed_plain"] == [True, False, False, False, True]
    assert kept["loans_removed"] == [True, False, False, False, False]  # music and musik differ in one letter of five
    for mask in found.values():
        assert mask.shape == (3, 3, 5) and (mask == mask.swapaxes(0, 1)).all()
        assert mask[np.arange(3), np.arange(3)].all()
    assert found["identical_removed"][0, 2].all()


def test_domains_are_cut_to_the_test_concepts_and_empty_ones_left_out():
    domains = {"music": np.array([0, 0, 1, 0, 1, 0], bool), "seed": np.array([0, 1, 0, 0, 0, 0], bool)}
    found = masks("domains", domains=domains)
    assert list(found) == ["domain:music"] and found["domain:music"].tolist() == [False, False, True, False, True]


def test_matched_samples_of_each_covariate_and_of_all():
    concepts = Concepts(tuple(map(str, range(40))), ("abstract", "physical") * 20, {"en": ("x",) * 40}, ())
    column = np.repeat(np.arange(20.0), 2)
    found = subsets.subsets(("matched",), concepts, Split((), concepts.ids), ("en",), {"tokens": column}, {})
    names = {"abstract_matched_tokens", "physical_matched_tokens", "abstract_matched", "physical_matched"}
    assert set(found) == names
    for kind, odd in (("abstract", 0), ("physical", 1)):
        assert (np.flatnonzero(found[f"{kind}_matched_tokens"]) % 2 == odd).all()
    assert found["abstract_matched"].sum() == found["physical_matched"].sum() > 0


def test_covariates_of_the_users_own_and_of_a_tokenizer():
    tokens, own = np.arange(6), {"age": np.arange(6) / 2}
    found = subsets.covariates_of(CONCEPTS, (), tokens, own)
    assert set(found) == {"tokens", "age"} and found["tokens"].dtype == np.float64
    assert subsets.covariates_of(CONCEPTS._replace(kinds=("other",) * 6), (), tokens, own) == {}
    assert subsets.covariates_of(CONCEPTS, (), None, {}) == {}
