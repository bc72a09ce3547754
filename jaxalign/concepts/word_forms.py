"""Words out of the cells of lists and the lemmas of wordnets, and the form by which two words count as the same."""

import html
import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

from jaxalign.languages import canonical

_NO_WORD = ("GAP!", "PSEUDOGAP!")  # MultiWordNet and the Hebrew wordnet: the language has no word for the synset
# Soft hyphen, zero-width space, word joiner, byte-order mark; marks of direction. Zero-width joiners are part of words.
_DIRECTIONS = (0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_INVISIBLE = dict.fromkeys([0x00AD, 0x200B, 0x2060, 0xFEFF, *_DIRECTIONS])
# Private codes of old Thai fonts for the same letters and signs at other heights.
_THAI_SIGNS = "\u0e10\u0e34\u0e35\u0e36\u0e37 {tones} {tones} \u0e0d\u0e31\u0e4d\u0e47 {tones} \u0e38\u0e39\u0e3a"
_THAI = _THAI_SIGNS.format(tones="\u0e48\u0e49\u0e4a\u0e4b\u0e4c").replace(" ", "")
_THAI_FONTS = dict(zip(range(0xF700, 0xF71B), _THAI, strict=True))
_CEDILLAS = str.maketrans("şţŞŢ", "șțȘȚ")
_PERCENT_ESCAPE = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_WINDOWS = {code: bytes([code]).decode("cp1252", "ignore") for code in range(0x80, 0xA0)}  # "c\x9cur" is "cœur"
_MARKUP = re.compile(r"<[^<>]*>")
_REMARK = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|（[^（）]*）|【[^【】]*】|〔[^〔〕]*〕|(?<=\w)\s*[(（][^()（）]*$")
_ANCHOR = re.compile(r"(?<=\S)#(?=\S).*")  # "jute#toile de jute": a section of an encyclopedia's article; "C#" is none
_PARTS = re.compile(r"(?<=[^\W\d_a-zA-Z])\+(?=[^\W\d_a-zA-Z])")  # "中意+的人": the parts of a phrase
_COMMA = r"(?<!\d),|,(?!\d)|[、，،]"  # not the comma of 1,000
_IN_CELLS = re.compile(rf"{_COMMA}|[;；؛]|\s/\s")
_IN_LEMMAS = re.compile(r"[;；؛]")  # a comma is part of a lemma: "tilanne, jota ei voi voittaa", "奥斯汀，简"
_IN_THAI_LEMMAS = re.compile(rf"{_COMMA}|[;；؛]")
_NUMERAL = re.compile(r"[IVXLCDM]+")  # listed before the word in some tables: "V" and "cinque"
_QUOTES = ('""', "''", "``", "“”", "„“", "„”", "”“", "””", "‘’", "‚‘", "«»", "»«", "‹›", "›‹", "「」", "『』")
_MARKS = "*†?-‐‑–—=~:\\ "  # *pod-: a reconstructed form, or one that is only a part of words


class Form(NamedTuple):
    """A word as it is written in a text, and whether it stood there as a whole word with letters."""

    word: str
    whole: bool


def words_of_cell(cell: str, language: str = "") -> tuple[str, ...]:
    """Returns the words of a list's cell, the best first; may be empty.

    Quotes around the cell or a word are removed. Words are separated by commas, semicolons or " / ", and cleaned as the
    lemmas of wordnets are.
    """
    return _best_first(_forms(_unquoted(cell.strip()), language, _IN_CELLS, _unquoted))


def words_of_lemmas(lemmas: Iterable[str], language: str = "") -> tuple[str, ...]:
    """Returns the words of a synset's lemmas, each once, the best first; may be empty.

    HTML entities (escaped once or twice) and percent escapes are resolved; markup, remarks in brackets, section anchors
    (`#...`), what follows a `|` (`|fr:` and the like link to other editions of an encyclopedia), invisible characters,
    and asterisks, hyphens and colons at either end are removed. Underscores become spaces, white space is collapsed,
    the form is NFC. In Romanian, s and t with cedilla get the comma below. Semicolons separate words, in Thai commas
    too. Words with letters and without a hyphen at an end come first ("un" before "1" and "I", "mendeko" before
    "-zale"), otherwise the order stays. The markers GAP! and PSEUDOGAP!, what has neither letter, digit nor symbol, and
    what has private characters other than those of old Thai fonts, are not words.
    """
    between = _IN_THAI_LEMMAS if canonical(language) == "th" else _IN_LEMMAS
    return _best_first(form for lemma in lemmas for form in _forms(lemma, language, between))


def is_text(cell: str) -> bool:
    """Returns whether the cell has a letter, digit or symbol, and no control character."""
    categories = {unicodedata.category(character) for character in cell}
    return not categories & {"Cc", "Cs"} and any(category[0] in "LNS" for category in categories)


@lru_cache(maxsize=1 << 16)  # a word is compared with those of every other language
def ignoring_case(word: str, language: str = "") -> str:
    """Returns the form by which two words count as the same.

    In Turkish and Azerbaijani the capital of "i" is "İ", that of "ı" is "I"; in any language "İ" counts as "i".
    """
    if canonical(language) in ("tr", "az"):
        word = word.replace("I", "ı")
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", word).replace("İ", "i").casefold())


def _best_first(forms: Iterable[Form]) -> tuple[str, ...]:
    forms = list(forms)
    number = any(form.word.isdigit() for form in forms)  # then "V" is a numeral too
    ordered = sorted(forms, key=lambda form: not form.whole or number and bool(_NUMERAL.fullmatch(form.word)))  # stable
    return tuple(dict.fromkeys(form.word for form in ordered))


def _unquoted(text: str) -> str:
    while len(text) > 2 and text[0] + text[-1] in _QUOTES and not {text[0], text[-1]} & set(text[1:-1]):
        text = text[1:-1].strip()
    return text


def _forms(cell: str, language: str, between: re.Pattern[str], clean: Callable[[str], str] = str) -> list[Form]:
    text = _resolve(cell).split("|", 1)[0].translate(_INVISIBLE | _WINDOWS | _THAI_FONTS).replace("_", " ")
    text = unicodedata.normalize("NFC", text)
    if canonical(language) == "ro":
        text = text.translate(_CEDILLAS)
    text = "".join(" " if unicodedata.category(character) == "Cc" else character for character in text)
    forms = []
    for part in between.split(_without_remarks(text)):
        written = clean(" ".join(part.split()))
        word, before = written, ""
        while word != before:  # marks may stand inside quotes, and quotes inside marks
            before, word = word, clean(" ".join(word.strip(_MARKS).split()))
        private = any(unicodedata.category(character) == "Co" for character in word)
        if is_text(word) and not private and written not in _NO_WORD:
            lettered = any(character.isalpha() for character in word)
            forms.append(Form(word, lettered and word == written))
    return forms


def _resolve(text: str) -> str:
    return _PERCENT_ESCAPE.sub(_unescape, html.unescape(html.unescape(text)))


def _unescape(escape: re.Match[str]) -> str:
    try:
        return unquote(escape.group(), errors="strict")
    except UnicodeDecodeError:
        return escape.group()


def _without_remarks(text: str) -> str:
    """Repeats, because one removal may complete the next: remarks stand inside remarks."""
    before = ""
    while text != before:
        before = text
        text = _PARTS.sub("", _REMARK.sub("", _MARKUP.sub("", _ANCHOR.sub("", text))))
    return text
