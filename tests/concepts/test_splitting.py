"""Splits: what always holds, and which files are refused."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxalign.concepts import splitting
from jaxalign.types import Concepts, InputError, Split


def _made(abstract: int, physical: int, other: int = 0) -> Concepts:
    kinds = ("abstract",) * abstract + ("physical",) * physical + ("other",) * other
    ids = tuple(f"c{row}" for row in range(len(kinds)))
    return Concepts(ids, kinds, {"en": ids}, ())


@given(
    st.tuples(*[st.integers(0, 30)] * 3), st.none() | st.integers(-1, 60), st.none() | st.integers(-1, 60),
    st.integers(0, 3), st.booleans(),
)  # fmt: skip
def test_a_split_holds_what_it_says_or_is_refused(counts, seed_size, test_size, seed, balance):
    made = _made(*counts)
    least = 1 if test_size is None else test_size
    fits = min(seed_size or 1, least) >= 1 and (1 if seed_size is None else seed_size) + least <= len(made.ids)
    if seed_size == 0 or not fits:
        with pytest.raises(InputError, match="--seed_size"):
            splitting.split(made, seed_size=seed_size, test_size=test_size, rng_seed=seed, balance=balance)
        return
    found = splitting.split(made, seed_size=seed_size, test_size=test_size, rng_seed=seed, balance=balance)
    assert found == splitting.split(made, seed_size=seed_size, test_size=test_size, rng_seed=seed, balance=balance)
    assert len(set(found.seed) | set(found.test)) == len(found.seed) + len(found.test)
    assert set(found.seed) | set(found.test) <= set(made.ids)
    assert len(found.seed) == (seed_size if seed_size is not None else len(found.seed))
    assert len(found.test) == (test_size if test_size is not None else len(made.ids) - len(found.seed)) >= 1
    assert list(found.test) == sorted(found.test, key=made.ids.index)


def test_every_beginning_of_the_seed_is_balanced_and_larger_seeds_only_add():
    made = _made(40, 100, 10)
    kind_of = dict(zip(made.ids, made.kinds, strict=True))
    large = splitting.split(made, seed_size=120, rng_seed=3).seed
    for size in range(2, 82, 2):
        kinds = [kind_of[name] for name in splitting.split(made, seed_size=size, rng_seed=3).seed]
        assert kinds.count("abstract") == kinds.count("physical") == size / 2
        assert splitting.split(made, seed_size=size, rng_seed=3).seed == large[:size]
    assert splitting.split(made, seed_size=120, rng_seed=4).seed != large
    assert list(large[:40]) != sorted(large[:40], key=made.ids.index)


@pytest.mark.parametrize("counts, expected", [
    ((1919, 2478), 2930),  # the paper's counts: 3,000 there
    ((244, 244), 324),
    ((10, 100), 16),  # a fifth of the abstract ones stays for the test
    ((0, 90), 60),
    ((30, 30, 30), 48),
    ((1, 1), 1),
])  # fmt: skip
def test_default_sizes(counts, expected):
    found = splitting.split(_made(*counts))
    assert len(found.seed) == expected and len(found.test) == sum(counts) - expected


def test_balance_is_not_asked_for():
    made = _made(10, 990)
    kinds = [made.kinds[made.ids.index(name)] for name in splitting.split(made, seed_size=500, balance=False).seed]
    assert kinds.count("abstract") <= 10 and kinds.count("physical") >= 490
    assert len(splitting.split(made, balance=False).seed) == 666


def test_too_many_seeds_say_the_numbers():
    with pytest.raises(InputError, match="fit 20 concepts, got 3,000 for the seed dictionary and at least 1"):
        splitting.split(_made(10, 10), seed_size=3000)


def test_a_split_is_read_as_written(tmp_path):
    made = _made(10, 10)
    made = made._replace(ids=(*made.ids[:-1], "été.n.01"))
    found = splitting.split(made, rng_seed=1)
    splitting.write_split(tmp_path / "split.json", found)
    assert splitting.read_split(tmp_path / "split.json", made) == found
    assert [path.name for path in tmp_path.iterdir()] == ["split.json"]


@pytest.mark.parametrize("content, message", [
    ("", "Expected JSON"),
    ("{", "Expected JSON"),
    ("[1]", "other content"),
    ('{"seed": ["c0"]}', "other content"),
    ('{"seed": ["c0"], "test": []}', "under 'test', got something else or nothing"),
    ('{"seed": "c0", "test": ["c1"]}', "under 'seed'"),
    ('{"seed": ["c0", 1], "test": ["c1"]}', "under 'seed'"),
    ('{"seed": ["c0"], "test": ["c1", "cat"]}', r"ids of the 4 concepts under 'test', got 1 others \('cat'\)"),
    ('{"seed": ["c0", "c0"], "test": ["c1"]}', "once under 'seed', got 1 repeats"),
    ('{"seed": ["c0", "c1"], "test": ["c1"]}', "disjoint seed and test, got 1 ids in both, for example 'c1'"),
    ('{"seed": ["\\ud800"], "test": ["c1"]}', "others"),
    ("[" * 100_000, "Expected JSON"),
    (b"\xff\xfe", "Expected JSON"),
])  # fmt: skip
def test_a_wrong_split_is_refused(tmp_path, content, message):
    path = tmp_path / "split.json"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(InputError, match=message) as refused:
        splitting.read_split(path, _made(2, 2))
    assert "--split" in str(refused.value)


def test_a_missing_split(tmp_path):
    with pytest.raises(InputError, match="--split"):
        splitting.read_split(tmp_path / "none.json", _made(2, 2))


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.sampled_from(["c0", "c1", "c2", "x", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["seed", "test", "c0"]), inner),
)


@settings(max_examples=300)
@given(st.one_of(
    st.binary(max_size=50),
    _JSON.map(json.dumps).map(str.encode),
    st.fixed_dictionaries({"seed": _JSON, "test": _JSON}).map(json.dumps).map(str.encode),
))  # fmt: skip
def test_any_bytes_are_a_split_or_an_input_error(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "any-split.json"
    path.write_bytes(data)
    try:
        found = splitting.read_split(path, _made(2, 1))
    except InputError:
        return
    assert set(found.seed).isdisjoint(found.test) and found.seed and found.test


def test_split_is_a_record_of_ids():
    found = splitting.split(_made(4, 4))
    assert isinstance(found, Split) and all(isinstance(name, str) for part in found for name in part)
    assert not any(isinstance(name, np.str_) for part in found for name in part)
