"""WordNet and its tables on disk: found, downloaded once, in a zip, damaged. Made-up data."""

import zipfile

import nltk
import pytest

from jaxalign.concepts import dataset, wordnet_files
from jaxalign.types import InputError
from tests.concepts.small_wordnet import table


def test_an_unknown_language_lists_the_others(tiny):
    for code in ("xx", "de", "eng_wikt", ""):
        with pytest.raises(InputError, match=f"languages of en, fr, ro, got '{code}'"):
            dataset.load("wordnet", ("en", code))


def test_both_iso_codes_are_known(tiny):
    found = dataset.load("wordnet", ("eng", "fra"), min_depth=1)
    assert found.words["en"] == dataset.load("wordnet", ("en", "fr"), min_depth=1).words["en"]


def test_the_extended_tables_serve_languages_that_have_no_other(tiny):
    with pytest.raises(InputError, match="got 'sw'.*nltk.downloader extended_omw"):
        dataset.load("wordnet", ("en", "sw"))
    for name, lemmas in (("wikt/wn-wikt-swa", {4000: ["mbwa"]}), ("cldr/wn-cldr-swa", {4000: ["jibwa"]}),
                         ("wikt/wn-wikt-fra", {4000: ["toutou"]})):  # fmt: skip
        path = tiny / "extended_omw" / f"{name}.tab"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(table(name[-3:], lemmas), encoding="utf-8")
    assert dataset.load("wordnet", ("en", "sw", "fr"), min_depth=1).words == {
        "en": ("dog",), "sw": ("mbwa",), "fr": ("chien",)
    }  # fmt: skip
    assert wordnet_files.languages() == ["en", "fr", "ro", "sw"]
    with pytest.raises(InputError, match="languages of en, fr, ro, sw, got 'xh'"):
        dataset.load("wordnet", ("en", "xh"))


def test_missing_data_names_the_command(tiny):
    (tiny / "wordnet").rename(tiny / "elsewhere")
    with pytest.raises(InputError, match=r"package wordnet, .*python -m nltk.downloader wordnet omw-2.0.*NLTK_DATA"):
        dataset.load("wordnet", ("en", "fr"))
    (tiny / "elsewhere").rename(tiny / "wordnet")
    (tiny / "omw-2.0").rename(tiny / "elsewhere")
    with pytest.raises(InputError, match=r"nltk package omw-2.0 or omw-1.4"):
        dataset.load("wordnet", ("en", "fr"))
    assert dataset.load("wordnet", ("en",), min_depth=1).words["en"]  # needs no table


def test_the_older_package_serves_as_well(tiny):
    expected = dataset.load("wordnet", ("en", "fr"), min_depth=1)
    (tiny / "omw-2.0").rename(tiny / "omw-1.4")
    assert dataset.load("wordnet", ("en", "fr"), min_depth=1) == expected


def test_missing_data_is_downloaded_once(tiny, monkeypatch):
    (tiny / "omw-2.0").rename(tiny / "elsewhere")
    asked = []

    def download(name, **_):
        asked.append(name)
        (tiny / "elsewhere").rename(tiny / name)
        return True

    monkeypatch.setattr(nltk, "download", download)
    assert dataset.load("wordnet", ("en", "fr"), min_depth=1).ids
    assert dataset.load("wordnet", ("en", "fr"), min_depth=1).ids
    assert asked == ["omw-2.0"]


def test_zipped_data_reads_the_same_and_a_broken_zip_is_an_error(tiny):
    expected = dataset.load("wordnet", ("en", "fr", "ro"), min_depth=1)
    for name in ("wordnet", "omw-2.0"):
        with zipfile.ZipFile(tiny / f"{name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted((tiny / name).rglob("*.*")):
                archive.write(path, path.relative_to(tiny))
        (tiny / name).rename(tiny.parent / name)
    assert dataset.load("wordnet", ("en", "fr", "ro"), min_depth=1) == expected
    whole = (tiny / "wordnet.zip").read_bytes()
    (tiny / "wordnet.zip").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="wordnet"):
        dataset.load("wordnet", ("en", "fr"))
