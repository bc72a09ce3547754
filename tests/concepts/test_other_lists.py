"""Lists of other projects: small files in the form that each of them has."""

import pytest

from jaxalign.concepts import dataset
from jaxalign.types import InputError


def _files(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


CLDF = {
    "cldf/forms.csv": "ID,Local_ID,Language_ID,Parameter_ID,Value,Form,Segments\n"
    '1,,Finnish,eye,silmä,silmä,s i l m æ\n2,,Finnish,ear,korva,korva,k o r\n3,,Hindi1,eye,"aankh, netra",aankh,a\n'
    "4,,Hindi1,eye,netra,netra,n\n5,,Hindi2,eye,x,x,x\n6,,Hindi1,ear,kaan,kaan,k\n7,,Pos,eye,y,y,y\n",
    "cldf/languages.csv": "ID,Name,Glottocode,ISO639P3code\nFinnish,Finnish,finn1318,fin\n"
    "Hindi1,Hindi (a),hind1269,hin\n"
    "Hindi2,Hindi (b),hind1269,hin\nPos,Sayula,sayu1241,pos\n",
}


def test_cldf_word_lists(tmp_path):
    folder = _files(tmp_path, CLDF)
    for path in (folder, folder / "cldf", folder / "cldf" / "forms.csv"):
        assert dataset.list_languages(path) == ("fi", "hi", "pos")  # no metadata column: its rows are a language
        found = dataset.load(str(path), ("fi", "hin"))
        assert found.words == {"fi": ("silmä", "korva"), "hi": ("aankh", "kaan")} and found.ids == ("eye", "ear")
        assert found.kinds == ("other", "other")
    found = dataset.load(str(folder), ("fi", "hi", "Hindi2"))
    assert found.ids == ("eye",) and found.filters == (("listed", 2), ("a word in every language", 1))
    with pytest.raises(InputError, match="has fi, hi, pos and other columns .Hindi2., got 'de'"):
        dataset.load(str(folder), ("fi", "de"))


def test_northeuralex_has_its_own_names(tmp_path):
    path = tmp_path / "northeuralex-0.9-forms.tsv"
    path.write_text(
        "Language_ID\tGlottocode\tConcept_ID\tWord_Form\trawIPA\tIPA\n"
        "fin\tfinn1318\tAuge::N\tsilmä\tsilmæ\ts i\neng\tstan1293\tAuge::N\teye\taɪ\taɪ\n"
    )
    assert dataset.load(str(path), ("en", "fi")).words == {"en": ("eye",), "fi": ("silmä",)}


def test_long_tables_of_other_tools(tmp_path):
    """One row per form: LingPy's names, and plain ones; a table whose file name looks like two languages."""
    folder = _files(tmp_path, {
        "lingpy.tsv": "ID\tDOCULECT\tCONCEPT\tFORM\n1\tEnglish\tdog\tdog\n2\tGerman\tdog\tHund\n",
        "long.csv": "concept;language;word\ndog;en;dog\ndog;de;Hund\n",
        "words-no-id.tsv": "concept\ten\tde\n1\tdog\tHund\n",
    })  # fmt: skip
    for name in ("lingpy.tsv", "long.csv"):
        assert dataset.load(str(folder / name), ("en", "de")).words == {"en": ("dog",), "de": ("Hund",)}
    with pytest.raises(InputError, match="columns id, kind and languages"):
        dataset.load(str(folder / "words-no-id.tsv"), ("en", "de"))


def test_dictionaries_of_word_pairs(tmp_path):
    folder = _files(tmp_path, {
        "muse/en-fr.0-5000.txt": "\ufeffdog chien\ncat chat\ndog toutou\n\n# a remark\nhouse maison\n",
        "muse/en-de.txt": "dog hund\ncat katze\n",
        "xling/yacle.test.freq.2k.en-fi.tsv": "ice cream\tjäätelö\nof\tof\n",
    })  # fmt: skip
    one = dataset.load(str(folder / "muse" / "en-fr.0-5000.txt"), ("en", "fr"))
    assert one.ids == ("dog", "cat", "house") and one.words["fr"] == ("chien", "chat", "maison")
    many = dataset.load(str(folder / "muse"), ("en", "fr", "de"))
    assert many.words == {"en": ("dog", "cat"), "fr": ("chien", "chat"), "de": ("hund", "katze")}
    spaced = dataset.load(str(folder / "xling" / "yacle.test.freq.2k.en-fi.tsv"), ("en", "fi"))
    assert spaced.words == {"en": ("ice cream", "of"), "fi": ("jäätelö", "of")}
    _files(tmp_path, {"muse/en-it.txt": "dog cane\nice cream gelato\n"})
    with pytest.raises(InputError, match="word and its translation.*'ice cream gelato' in line 2"):
        dataset.load(str(folder / "muse" / "en-it.txt"), ("en", "it"))
    _files(tmp_path, {"words.txt": "dog\tchien\n"})
    with pytest.raises(InputError, match="columns id.*as en-fr.txt has"):
        dataset.load(str(folder / "words.txt"), ("en", "fr"))


def test_a_table_may_have_a_pair_of_languages_in_its_name(tmp_path):
    _files(tmp_path, {"mine.en-fr.tsv": "id\ten\tfr\n1\tdog\tchien\n"})
    assert dataset.load(str(tmp_path / "mine.en-fr.tsv"), ("en", "fr")).words == {"en": ("dog",), "fr": ("chien",)}


def test_swadesh_lists_by_line(tmp_path):
    folder = _files(tmp_path, {"en": "I\nyou (singular), thou\nhe\n", "de": "ich\ndu, Sie\n\n", "README": "x"})
    found = dataset.load(str(folder), ("en", "de"))
    assert found.words == {"en": ("I", "you"), "de": ("ich", "du")} and found.ids == ("1", "2")
    _files(tmp_path, {"fr": "je\n"})
    with pytest.raises(InputError, match="same number of lines.*fr 1"):
        dataset.load(str(folder), ("en", "fr"))


def test_concepticon_lists_are_tables(tmp_path):
    path = tmp_path / "Buck-1949-1108.tsv"
    path.write_text(
        "ID\tNUMBER\tENGLISH\tGERMAN\tCONCEPTICON_ID\tCONCEPTICON_GLOSS\n"
        "Buck-1949-1108-2\t1.21\tearth; land\tErde\t626\tLAND\nBuck-1949-1108-63\t2.31\tmarry (vb.)\theiraten\t\t\n"
    )
    assert dataset.list_languages(path) == ("en", "de")
    assert dataset.load(str(path), ("en", "de")).words == {"en": ("earth", "marry"), "de": ("Erde", "heiraten")}


def test_a_folder_with_nothing_to_read(tmp_path):
    with pytest.raises(InputError, match="folder with forms.csv.*no files.*--concepts"):
        dataset.load(str(tmp_path), ("en", "fr"))
