"""One's own list of concepts, and splits: what is read, what is refused, what always holds."""

import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxalign.concepts import dataset, tsv
from jaxalign.types import Concepts, InputError, Split

GOOD = "id\tkind\ten\tfr\ndog.n.01\tphysical\tdog\tchien\nlove.n.01\tabstract\tlove\tamour\n"


def _write(folder, content: str | bytes):
    path = folder / "list.tsv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def _made(abstract: int, physical: int, other: int = 0) -> Concepts:
    kinds = ("abstract",) * abstract + ("physical",) * physical + ("other",) * other
    ids = tuple(f"c{row}" for row in range(len(kinds)))
    return Concepts(ids, kinds, {"en": ids}, ())


@pytest.mark.parametrize("content", [
    GOOD,
    "\ufeff" + GOOD,
    GOOD.replace("\n", "\r\n"),
    GOOD.replace("\n", "\r"),
    GOOD.rstrip("\n"),
    GOOD.replace("\n", "\n\n"),
    GOOD.replace("chien", "  chien "),
])  # fmt: skip
def test_a_list_is_read(tmp_path, content):
    path = _write(tmp_path, content)
    assert dataset.load(str(path), ("fr", "en")) == Concepts(
        ("dog.n.01", "love.n.01"),
        ("physical", "abstract"),
        {"fr": ("chien", "amour"), "en": ("dog", "love")},
        (("listed", 2),),
    )
    assert dataset.tsv_languages(path) == ("en", "fr")


def test_kind_may_be_missing_or_empty_and_words_are_nfc(tmp_path):
    assert dataset.load(str(_write(tmp_path, "klingon\tid\nx\t1\n")), ("klingon",)).kinds == ("other",)
    found = dataset.load(str(_write(tmp_path, "id\tkind\tfr\n1\t\te\u0301te\u0301\n2\tphysical\tmer\n")), ("fr",))
    assert found.kinds == ("other", "physical") and found.words["fr"] == ("été", "mer")


@pytest.mark.parametrize("content, message", [
    ("", "header in line 1.*empty file"),
    ("en\tfr\nx\ty\n", "columns id.*got 'en', 'fr' in line 1"),
    ("id\tkind\nx\tabstract\n", "columns id"),
    ("id\ten\ten\nx\ty\tz\n", "each named once"),
    ("id\ten\t\nx\ty\tz\n", "each named once"),
    ("id\ten\tfr\n", "no line after the header"),
    (GOOD + "x\tabstract\ty\n", "4 cells as in the header, got 3 in line 4"),
    (GOOD + "x\tabstract\ty\tz\tw\n", "4 cells as in the header, got 5 in line 4"),
    (GOOD + "x\tabstract\t \tz\n", "column 'en', got an empty cell in line 4"),
    (GOOD + "\tabstract\ty\tz\n", "column 'id', got an empty cell in line 4"),
    (GOOD + "\ndog.n.01\tabstract\ty\tz\n", "'dog.n.01' in lines 2 and 5"),
    (GOOD + "x\tAbstract\ty\tz\n", "kind of abstract, physical, other, got 'Abstract' in line 4"),
    (GOOD.encode() + "x\tabstract\tété\tz\n".encode("latin-1"), "UTF-8, got the byte 0xe9 in line 4"),
    (GOOD.encode("utf-16"), "UTF-8, got the byte 0xff in line 1"),
])  # fmt: skip
def test_a_wrong_list_is_refused_with_its_line(tmp_path, content, message):
    with pytest.raises(InputError, match=message):
        dataset.load(str(_write(tmp_path, content)), ("en", "fr"))


def test_wrong_sources_and_languages(tmp_path):
    path = _write(tmp_path, GOOD)
    with pytest.raises(InputError, match="which has en, fr, got 'de'.*--languages"):
        dataset.load(str(path), ("en", "de"))
    for source in ("nowhere.tsv", "wordnets", str(tmp_path), "\0"):
        with pytest.raises(InputError, match="readable TSV file.*--concepts builtin, wordnet or"):
            dataset.load(source, ("en",))
    for languages in ((), ("en", "en")):
        with pytest.raises(InputError, match="languages, each once"):
            dataset.load("builtin", languages)


@settings(max_examples=300)
@given(st.one_of(
    st.binary(max_size=200),
    st.text(alphabet="id\tkenfr\r\n\ufeffa é\u2028\0", max_size=120).map(str.encode),
    st.lists(st.lists(st.sampled_from(["id", "kind", "en", "other", "", "é", " "]), max_size=4), max_size=5).map(
        lambda rows: "\n".join("\t".join(row) for row in [["id", "kind", "en"], *rows]).encode()),
))  # fmt: skip
def test_any_bytes_are_a_list_or_an_input_error(data):
    try:
        found = tsv.parse(data, ("en",), "a list")
    except InputError as error:
        assert "a list" in str(error)
    else:
        assert len(found.ids) == len(set(found.ids)) == len(found.kinds) == len(found.words["en"]) > 0
        assert all(found.ids) and all(found.words["en"]) and set(found.kinds) <= set(tsv.KINDS)


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
            dataset.split(made, seed_size=seed_size, test_size=test_size, seed=seed, balance=balance)
        return
    found = dataset.split(made, seed_size=seed_size, test_size=test_size, seed=seed, balance=balance)
    assert found == dataset.split(made, seed_size=seed_size, test_size=test_size, seed=seed, balance=balance)
    assert len(set(found.seed) | set(found.test)) == len(found.seed) + len(found.test)
    assert set(found.seed) | set(found.test) <= set(made.ids)
    assert len(found.seed) == (seed_size if seed_size is not None else len(found.seed))
    assert len(found.test) == (test_size if test_size is not None else len(made.ids) - len(found.seed)) >= 1
    assert list(found.test) == sorted(found.test, key=made.ids.index)


def test_every_beginning_of_the_seed_is_balanced_and_larger_seeds_only_add():
    made = _made(40, 100, 10)
    kind_of = dict(zip(made.ids, made.kinds, strict=True))
    large = dataset.split(made, seed_size=120, seed=3).seed
    for size in range(2, 82, 2):
        kinds = [kind_of[name] for name in dataset.split(made, seed_size=size, seed=3).seed]
        assert kinds.count("abstract") == kinds.count("physical") == size / 2
        assert dataset.split(made, seed_size=size, seed=3).seed == large[:size]
    assert dataset.split(made, seed_size=120, seed=4).seed != large
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
    found = dataset.split(_made(*counts))
    assert len(found.seed) == expected and len(found.test) == sum(counts) - expected


def test_balance_is_not_asked_for():
    made = _made(10, 990)
    kinds = [made.kinds[made.ids.index(name)] for name in dataset.split(made, seed_size=500, balance=False).seed]
    assert kinds.count("abstract") <= 10 and kinds.count("physical") >= 490
    assert len(dataset.split(made, balance=False).seed) == 666


def test_too_many_seeds_say_the_numbers():
    with pytest.raises(InputError, match="fit 20 concepts, got 3,000 for the seed dictionary and 1 at least"):
        dataset.split(_made(10, 10), seed_size=3000)


def test_a_split_is_read_as_written(tmp_path):
    made = _made(10, 10)
    made = made._replace(ids=(*made.ids[:-1], "été.n.01"))
    found = dataset.split(made, seed=1)
    dataset.write_split(tmp_path / "split.json", found)
    assert dataset.read_split(tmp_path / "split.json", made) == found
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
    ('{"seed": ["c0", "c1"], "test": ["c1"]}', "disjoint seed and test, got 1 ids in both, one is 'c1'"),
    ('{"seed": ["\\ud800"], "test": ["c1"]}', "others"),
    ("[" * 100_000, "Expected JSON"),
    (b"\xff\xfe", "Expected JSON"),
])  # fmt: skip
def test_a_wrong_split_is_refused(tmp_path, content, message):
    path = tmp_path / "split.json"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(InputError, match=message) as refused:
        dataset.read_split(path, _made(2, 2))
    assert "--split" in str(refused.value)


def test_a_missing_split(tmp_path):
    with pytest.raises(InputError, match="--split"):
        dataset.read_split(tmp_path / "none.json", _made(2, 2))


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
        found = dataset.read_split(path, _made(2, 1))
    except InputError:
        return
    assert set(found.seed).isdisjoint(found.test) and found.seed and found.test


def test_identical_share_is_of_exact_forms():
    words = {"en": ("dog", "May", "bar", "x"), "fr": ("chien", "may", "bar", "é"), "ro": ("bar", "May", "bar", "X")}
    made = Concepts(tuple("abcd"), ("other",) * 4, words, ())
    assert dataset.identical_share(made) == {("en", "fr"): 0.25, ("en", "ro"): 0.5, ("fr", "ro"): 0.25}


def test_digest_is_of_ids_and_words():
    made = _made(2, 2)
    assert len(dataset.digest(made)) == 16
    assert dataset.digest(made) == dataset.digest(made._replace(filters=(("x", 1),), words=dict(made.words)))
    others = [
        made._replace(ids=made.ids[::-1]),
        made._replace(words={"en": made.ids[::-1]}),
        made._replace(words={"fr": made.ids}),
    ]
    assert len({dataset.digest(other) for other in (made, *others)}) == 4


def test_builtin_has_its_ids_and_no_others():
    assert dataset.builtin_has(("x", "dog.n.01")) and not dataset.builtin_has(("x", "0"))


def test_nltk_is_imported_only_for_wordnet():
    code = "import sys, jaxalign.concepts.dataset as c; c.load('builtin', ['en']); "
    code += "print({'nltk', 'torch'} & {*sys.modules})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert run.stdout.strip() == "set()"


def test_split_is_a_record_of_ids():
    found = dataset.split(_made(4, 4))
    assert isinstance(found, Split) and all(isinstance(name, str) for part in found for name in part)
    assert not any(isinstance(name, np.str_) for part in found for name in part)
