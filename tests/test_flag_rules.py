"""Every flag stands in one group of --help and is read by some mode."""

from collections import Counter
from dataclasses import fields

import pytest

from jaxalign.config import Config
from jaxalign.flag_rules import GROUPS, MODES, layer_numbers, notes
from jaxalign.types import InputError


def test_every_flag_stands_in_one_group():
    counted = Counter(name for group in GROUPS.values() for name in group)
    assert set(counted) == {option.name for option in fields(Config)} and set(counted.values()) == {1}


def test_every_flag_is_read_by_some_mode():
    read = frozenset().union(*MODES.values())
    assert read == {option.name for option in fields(Config)}


@pytest.mark.parametrize(("text", "depth", "numbers"), [
    ("0-4,middle", 12, (0, 1, 2, 3, 4, 6)), ("0-4, middle, last", 8, (0, 1, 2, 3, 4, 8)), ("middle", 5, (2,)),
    ("last", 3, "last"), ("all", 3, "all"), ("3,0", 3, (3, 0)), ("0-3", 3, (0, 1, 2, 3)),
])  # fmt: skip
def test_layers_as_ranges_and_names(text, depth, numbers):
    assert layer_numbers(text, depth) == numbers


def test_layers_above_the_depth_are_refused():
    with pytest.raises(InputError, match="--layers from 0 to 3, got 4"):
        layer_numbers("0-4", 3)


def test_found_seeds_are_identical_words_under_an_orthogonal_map():
    Config(seed_dictionary="identical", refine=2)
    Config(refine=1, map="shrunken")
    with pytest.raises(InputError, match="--seed_dictionary=identical without --dictionary, got pairs.txt"):
        Config(seed_dictionary="pairs.txt")
    for more in ({"map": "ridge"}, {"translate": True}):
        with pytest.raises(InputError, match=f"no --{next(iter(more))} with --seed_dictionary or --refine"):
            Config(refine=1, **more)
    assert not notes(Config(refine=1, settings=("before",), retrieval=("nn",), csls_k=5, null_draws=3))


@pytest.mark.parametrize("export", [{"export_maps": True}, {"export_mapped": "en"}], ids=["maps", "mapped"])
def test_exports_of_the_plain_map_refuse_the_shrunken_one(export):
    with pytest.raises(InputError, match="--export_maps or --export_mapped with --map=shrunken"):
        Config(map="shrunken", **export)
    Config(settings=("before", "after", "shrunken"), **export)  # the map of `after` is in the run


def test_sentences_add_the_embedding_context_and_it_takes_the_packages_own():
    assert Config(contexts="mine.tsv").embeddings == ("vanilla", "prompt", "context")
    assert Config(embeddings=("context",)).contexts == "carrier" and Config().contexts == ""
    assert not notes(Config(contexts="mine.tsv", missing="drop"))
    assert "--missing=drop has no effect" in notes(Config(contexts="carrier", missing="drop"))[0]
    with pytest.raises(InputError, match="no --contexts with --spaces"):
        Config(spaces="folder", contexts="carrier")
    with pytest.raises(InputError, match="vanilla and prompt with --suite=embed, got context"):
        Config(suite="embed", embeddings=("vanilla", "context"))
