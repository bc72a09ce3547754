"""The user's own list of concepts: what is read and what is refused."""

import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxalign.concepts import concept_list, dataset, table_file
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
        {"fr": (("chien",), ("amour",)), "en": (("dog",), ("love",))},
    )
    assert dataset.list_languages(path) == ("en", "fr")


def test_kind_may_be_missing_or_empty_and_words_are_nfc(tmp_path):
    assert dataset.load(str(_write(tmp_path, "dialect_a\tid\nx\t1\n")), ("dialect_a",)).kinds == ("other",)
    found = dataset.load(str(_write(tmp_path, "id\tkind\tfr\n1\t\te\u0301te\u0301\n2\tphysical\tmer\n")), ("fr",))
    assert found.kinds == ("other", "physical") and found.words["fr"] == ("été", "mer")


@pytest.mark.parametrize("content, message", [
    ("", "header in line 1.*empty file"),
    ("en\tfr\nx\ty\n", "columns id.*got 'en', 'fr' in line 1"),
    ("id\tkind\nx\tabstract\n", "columns id"),
    ("id\ten\ten\nx\ty\tz\n", "each named once"),
    ("id\ten\t\tfr\nx\ty\tz\tw\n", "each named once"),
    ("id\ten\t\nx\ty\tz\n", "2 cells as in the header, got 3"),
    ("id\ten\tfr\n", "no line after the header"),
    (GOOD + "x\tabstract\ty\n", "4 cells as in the header, got 3 in line 4"),
    (GOOD + "x\tabstract\ty\tz\tw\n", "4 cells as in the header, got 5 in line 4"),
    (GOOD + "x\tabstract\t \tz\n", "column 'en', got an empty cell in line 4"),
    (GOOD + "\tabstract\ty\tz\n", "column 'id', got an empty cell in line 4"),
    (GOOD + "\ndog.n.01\tabstract\ty\tz\n", "'dog.n.01' again, as in line 2, in line 5"),
    (GOOD + "x\tconcretely\ty\tz\n", "kind of abstract, physical, other .*got 'concretely' in line 4"),
    (GOOD + "x\tabstract\tNA\tz\n", "column 'en', got 'NA' in line 4.*--missing=drop"),
    (GOOD + "x\tabstract\ty\t(nur im Plural)\n", "column 'fr', got '.nur im Plural.' in line 4"),
    (GOOD + 'x\tabstract\t"y\tz\nw\tabstract\ty\tz\n', "a quote that is not closed in line 4"),
    ("id\ten\tfr\tEnglish\n1\ta\tb\tc\n", "one column per language, got 'en' and 'English'"),
    (GOOD.encode() + "x\tabstract\tété\tz\n".encode("latin-1"), "UTF-8, got the byte 0xe9 in line 4"),
    (GOOD.encode("utf-16")[:-1], "UTF-16, got the byte "),
    (GOOD.encode("utf-32"), "a text file, got text in UTF-32"),
    (b"PK\x03\x04" + bytes(40), "got an Excel workbook.*Save the list of --concepts as CSV or TSV"),
    (gzip.compress(GOOD.encode(), mtime=0), "got a file compressed by gzip"),
    # Every row would have the right number of cells, and a concept would be lost.
    (GOOD + 'x\tabstract\t"y\tz\nw\tabstract\t"y\tz\n', "a quote that is not closed in line 4"),
    *((GOOD + f"x\tabstract\t{cell}\tz\n", "column 'en', got") for cell in ("n.a.", "#NAME?", "-nan", "(null)")),
])  # fmt: skip
def test_a_wrong_list_is_refused_with_its_line(tmp_path, content, message):
    with pytest.raises(InputError, match=message):
        dataset.load(str(_write(tmp_path, content)), ("en", "fr"))


LONG = "id\tkind\ten\tfr\tgloss\tconcepticon_id\tpos\n1\tAbstract\ttime\ttemps\ttime\t1\tn\n"


@pytest.mark.parametrize("content, words", [
    (LONG, {"en": ("time",), "fr": ("temps",)}),
    (GOOD.replace("dog\t", '"dog, hound"\t'), {"en": ("dog", "love"), "fr": ("chien", "amour")}),
    (GOOD.replace("dog\t", '"a ""dog"""\t'), {"en": ('a "dog"', "love"), "fr": ("chien", "amour")}),
    (GOOD.replace("chien", "*chien-"), {"en": ("dog", "love"), "fr": ("chien", "amour")}),
    (GOOD.replace("chien", "Chien[Tier]"), {"en": ("dog", "love"), "fr": ("Chien", "amour")}),
    (GOOD.replace("dog\t", "dry_up; fade\t"), {"en": ("dry up", "love"), "fr": ("chien", "amour")}),
    (GOOD.replace("\t", ","), {"en": ("dog", "love"), "fr": ("chien", "amour")}),
    (GOOD.replace("\t", ";"), {"en": ("dog", "love"), "fr": ("chien", "amour")}),
    ("sep=;\n" + GOOD.replace("\t", ";"), {"en": ("dog", "love"), "fr": ("chien", "amour")}),
    (GOOD.encode("utf-16"), {"en": ("dog", "love"), "fr": ("chien", "amour")}),
    (GOOD.replace("\n", "\t\t\n"), {"en": ("dog", "love"), "fr": ("chien", "amour")}),
    (GOOD.replace("id\tkind\ten\tfr", "ID\tKind\tENGLISH\tfra"), {"en": ("dog", "love"), "fr": ("chien", "amour")}),
    (GOOD.replace("en\tfr", "eng\tcmn"), {"en": ("dog", "love"), "zh": ("chien", "amour")}),
    ("# my list\n" + GOOD, {"en": ("dog", "love"), "fr": ("chien", "amour")}),
    ("id\tEnglish\tNo\tFinnish\n1\tI\t1\tminä\n2\twe\t2\tme\n", {"en": ("I", "we"), "fi": ("minä", "me")}),
])  # fmt: skip
def test_a_list_as_others_write_it(tmp_path, content, words):
    path = _write(tmp_path, content)
    languages = dataset.list_languages(path)
    assert dataset.load(str(path), languages).words == words and tuple(words) == languages


def test_further_words_of_a_cell_are_answers(tmp_path):
    found = dataset.load(str(_write(tmp_path, GOOD.replace("chien", "chien, toutou"))), ("fr", "en"))
    assert found.words["fr"] == ("chien", "amour") and found.answers["fr"] == (("chien", "toutou"), ("amour",))


def test_kinds_in_any_case_and_concrete_is_physical(tmp_path):
    path = _write(tmp_path, GOOD.replace("physical", "Concrete").replace("abstract", "ABSTRACT"))
    assert dataset.load(str(path), ("en",)).kinds == ("physical", "abstract")


def test_an_asked_language_may_be_named_in_any_way_and_any_column_by_its_name(tmp_path):
    path = _write(tmp_path, LONG)
    assert dataset.load(str(path), ("eng", "French")).words == {"en": ("time",), "fr": ("temps",)}
    assert dataset.load(str(path), ("en", "gloss")).words == {"en": ("time",), "gloss": ("time",)}
    assert dataset.load(str(path), ("en", "pos")).words == {"en": ("time",), "pos": ("n",)}
    with pytest.raises(InputError, match="languages, each once, got en, eng"):
        dataset.load(str(path), ("en", "eng"))
    with pytest.raises(InputError, match="has en, fr and other columns .gloss, concepticon_id, pos., got 'de'"):
        dataset.load(str(path), ("en", "de"))


def test_only_the_cells_of_asked_languages_need_a_word(tmp_path):
    content = "id\ten\tfr\tfi\n1\tdog\tchien\t\n2\tcat\tchat\tkissa\n3\tcow\tnan\tlehmä\n"
    path = str(_write(tmp_path, content))
    assert dataset.load(path, ("en",)).ids == ("1", "2", "3")
    with pytest.raises(InputError, match="2:\n- .*column 'fi', got an empty cell in line 2.*\n- .*got 'nan' in line 4"):
        dataset.load(path, ("en", "fr", "fi"))
    dropped = dataset.load(path, ("en", "fr", "fi"), missing="drop")
    assert dropped.ids == ("2",) and dropped.filters == (("listed", 3), ("a word in every language", 1))
    assert dataset.load(path, ("en", "fr"), missing="keep").words["fr"] == ("chien", "chat", "nan")
    with pytest.raises(InputError, match="with a word in .*got none of 1"):
        dataset.load(str(_write(tmp_path, "id\ten\tfr\n1\tdog\t\n")), ("en", "fr"), missing="drop")


def test_all_mistakes_of_a_file_are_in_one_message(tmp_path):
    content = GOOD + "x\tsolid\tbig\tgrand\nx\tabstract\ty\n\tabstract\ty\tz\ndog.n.01\tabstract\ty\tz\n"
    with pytest.raises(InputError) as refused:
        dataset.load(str(_write(tmp_path, content)), ("en", "fr"))
    lines = str(refused.value).split("\n")
    assert lines[0] == "Expected a list of --concepts without mistakes, got 4:"
    assert len(lines) == 6 and "--concepts" in lines[-1]
    many = GOOD + "".join(f"{row}\tsolid\ta\tb\n" for row in range(50))
    with pytest.raises(InputError, match="got 50:(\n- .*){10}\n- And 40 more"):
        dataset.load(str(_write(tmp_path, many)), ("en", "fr"))


def test_covariates(tmp_path):
    path = _write(tmp_path, "ID\tTrait:Zipf\ten\n1\t3.5\tdog\n2\tNA\tcat\n")
    numbers = dataset.list_covariates(path)["Zipf"]
    assert numbers["1"] == 3.5 and numbers["2"] != numbers["2"]
    with pytest.raises(InputError, match="number in column 'trait:Zipf', got 'high' in line 2"):
        dataset.list_covariates(_write(tmp_path, "ID\ttrait:Zipf\ten\n1\thigh\tdog\n"))


def test_wrong_sources_and_languages(tmp_path):
    path = _write(tmp_path, GOOD)
    with pytest.raises(InputError, match="which has en, fr, got 'de'.*--languages"):
        dataset.load(str(path), ("en", "de"))
    for source in ("nowhere.tsv", "wordnets", str(tmp_path), "\0"):
        with pytest.raises(InputError, match="--concepts"):
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
        found = concept_list.concepts(concept_list.read(table_file.parse(data, "a list")), ("en",))
    except InputError as error:
        assert "a list" in str(error)
    else:
        assert len(found.ids) == len(set(found.ids)) == len(found.kinds) == len(found.words["en"]) > 0
        assert all(found.ids) and all(found.words["en"]) and set(found.kinds) <= set(concept_list.KINDS)
