"""Families of languages."""

import re
from pathlib import Path

from jaxalign.languages import canonical, is_language
from jaxalign.report import families


def test_any_code_of_a_language_has_its_family():
    known = {"en": "Indo-European", "fin": "Uralic", "Japanese": "Japonic", "zh-Hans": "Sino-Tibetan", "eu": "Basque",
             "tur": "Turkic", "swh": "Atlantic-Congo", "xx": "", "": ""}  # fmt: skip
    assert {code: families.family(code) for code in known} == known


def test_every_code_is_a_language_of_one_family():
    text = Path(families.__file__).read_text(encoding="utf-8")
    table = text[text.index("_MEMBERS") : text.index("_FAMILY_OF")]
    codes = re.findall(r"(?<![\w-])[a-z]{2,3}(?![\w-])", re.sub(r'"[^"]*":', "", table))
    assert len(codes) == len(set(codes)) > 250
    assert [code for code in codes if not is_language(code)] == []
    assert [code for code in codes if len(canonical(code)) < len(code)] == []  # ISO 639-1 where there is such a code
