"""Sentences in a list: cells that are texts and are taken whole, where the cells of words are split and cleaned."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

from jaxalign.concepts.word_forms import is_text
from jaxalign.runtime.log import LOGGER

KIND = "sentence"  # in the column `kind`: this row's cells are texts
LONG = 6  # words between two commas from which on a cell is no list of synonyms
_BETWEEN = re.compile(r"[,;、，،；؛/]")


def sentence_of_cell(cell: str) -> tuple[str, ...]:
    """Returns the text of a cell with single blanks, in the form NFC; nothing where it has no letter or digit."""
    text = " ".join(unicodedata.normalize("NFC", cell).split())
    return (text,) if is_text(text) else ()


def rows_of_sentences(kinds: Sequence[str], columns: Iterable[Sequence[str]], source: str) -> tuple[bool, ...]:
    """Returns for each row of a list whether its cells are texts.

    They are where `kind` is sentence. A list without any kind has texts where in some column more than half of the
    cells have LONG words or more between two commas; that is said in the log.
    """
    if any(kinds):
        return tuple(kind.casefold() == KIND for kind in kinds)
    found = any(sum(map(_is_long, cells)) * 2 > len(cells) for cells in columns)
    if found:
        LOGGER.info("%s: its cells are read as sentences, as they are; with a column kind they would be words", source)
    return (found,) * len(kinds)


def _is_long(cell: str) -> bool:
    return any(len(part.split()) >= LONG for part in _BETWEEN.split(cell))
