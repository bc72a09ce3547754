"""The user's own list of concepts: what is read and what is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxalign.concepts import dataset, tsv
from jaxalign.types import Concepts, InputError

GOOD = "id\tkind\ten\tfr\ndog.n.01\tphysical\tdog\tchien\nlove.n.01\tabstract\tlove\tamour\n"


def _write(folder, content: str | bytes):
    path = folder / "list.tsv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


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
    assert dataset.list_languages(path) == ("en", "fr")


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
