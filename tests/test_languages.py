"""Codes and names of languages: one rule for every way of writing them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxalign import languages


@pytest.mark.parametrize("written, code", [
    ("en", "en"), ("EN", "en"), ("eng", "en"), ("ENG", "en"), ("English", "en"), ("ENGLISH", "en"),
    ("cmn", "zh"), ("zho", "zh"), ("Chinese", "zh"), ("Mandarin Chinese", "zh"), ("zh-hans", "zh-Hans"),
    ("arb", "ar"), ("zsm", "ms"), ("als", "sq"), ("ron", "ro"), ("rum", "ro"), ("eus", "eu"), ("swh", "sw"),
    ("pt_BR", "pt-BR"), ("yue", "yue"), ("tgl", "tl"), ("nob", "nb"), ("iw", "he"), ("Old English", "ang"),
    ("gloss", "gloss"), ("kind", "kind"), ("xx", "xx"), ("", ""), ("fra_wikt", "fra_wikt"), ("été", "été"),
])  # fmt: skip
def test_one_code_for_every_way_of_writing_a_language(written, code):
    assert languages.canonical(written) == code
    assert languages.canonical(code) == code


@pytest.mark.parametrize("text", ["gloss", "concepticon_id", "kind", "xx", "", "mul", "und", "x-private", "é", "\0"])
def test_other_text_is_no_language(text):
    assert not languages.is_language(text)
    with pytest.raises(LookupError):
        languages.english_name(text)


def test_names():
    codes = "en fr ro eu fi ja th zh cmn ENG pt-BR tl bn nb nn or fa el sr-Latn".split()
    expected = (
        "English French Romanian Basque Finnish Japanese Thai Chinese Chinese English Portuguese Tagalog Bengali "
        "Norwegian Norwegian Odia Persian Greek Serbian"
    )
    assert " ".join(map(languages.english_name, codes)) == expected


@given(st.text(max_size=12))
def test_any_text_has_a_code_or_is_returned(text):
    code = languages.canonical(text)
    assert code == text or languages.is_language(code)
    assert languages.canonical(code) == code


def test_scripts():
    wanted = {
        "fr": "Latn",
        "ja": "Jpan",
        "th": "Thai",
        "ru": "Cyrl",
        "he": "Hebr",
        "Chinese": "Hans",
        "c12": "",
        "": "",
    }
    assert {code: languages.script(code) for code in wanted} == wanted
