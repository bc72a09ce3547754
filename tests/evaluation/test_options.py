"""Options are checked when they are made; equal options have equal keys, and what changes no rank is not in them."""

from dataclasses import fields

import pytest

from jaxalign.config import Config
from jaxalign.evaluation.options import AlignmentOptions, RankOptions, from_config
from jaxalign.types import InputError

WRONG = [
    (dict(settings=("after", "later")), "--settings"),
    (dict(retrieval="cosine"), "--retrieval"),
    (dict(candidates="some"), "--candidates"),
    (dict(completion="zero"), "--completion"),
    (dict(procrustes="qr"), "--procrustes"),
    (dict(map="affine"), "--map"),
    (dict(precision="low"), "--precision"),
    (dict(normalize=("unit", "whiten")), "--normalize"),
    (dict(null_draws=0), "--null_draws"),
    (dict(seed_sizes=(10, 0)), "--seed_sizes"),
]


@pytest.mark.parametrize("wrong, flag", WRONG, ids=[flag for _, flag in WRONG])
def test_a_wrong_value_is_named_with_its_flag(wrong, flag):
    with pytest.raises(InputError, match=f"Expected .*{flag}"):
        AlignmentOptions(**wrong)


def test_the_keyword_options_of_rank_are_the_fields():
    assert set(RankOptions.__annotations__) == {field.name for field in fields(AlignmentOptions)}


def test_lists_become_tuples_so_that_options_compare_and_hash():
    assert AlignmentOptions(settings=["after"]) == AlignmentOptions(settings=("after",))
    assert hash(AlignmentOptions(seed_sizes=[5, 9])) == hash(AlignmentOptions(seed_sizes=(5, 9)))


def test_the_key_leaves_out_what_changes_no_rank():
    key = AlignmentOptions().key()
    assert key == AlignmentOptions(memory_budget=1 << 20, tile=16).key()
    names = {field.name for field in fields(AlignmentOptions)}
    assert set(key) == names - {"memory_budget", "tile", "shrinkage"}
    shrunken = AlignmentOptions(settings=("shrunken",), shrinkage=(0.0, 0.5)).key()
    assert set(shrunken) == names - {"memory_budget", "tile"} | {"standard_errors"} and shrunken["shrinkage"] == (
        0.0,
        0.5,
    )
    assert key != AlignmentOptions(csls_k=11).key() and key["procrustes"] in ("svd", "polar")


def test_options_of_a_run_are_those_of_its_flags():
    config = Config(retrieval=("nn", "csls"), csls_k=7, normalize=("none",), memory_budget=0.5, seed=3, null_draws=4)
    options = from_config(config)
    assert (options.retrieval, options.csls_k, options.rng_seed, options.null_draws) == ("nn", 7, 3, 4)
    assert options.normalize == () and options.memory_budget == 2**29
    assert options.columns == {"retrieval": "nn", "csls_k": 7, "candidates": "all", "completion": "drop"}
