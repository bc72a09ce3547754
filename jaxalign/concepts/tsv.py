"""Concepts from a table of tab-separated values: the built-in lexicon, or the user's own list."""

import re
import unicodedata
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from jaxalign.types import Concepts, InputError

KINDS = ("abstract", "physical", "other")
TRAIT = "trait:"  # begins the name of a column of numbers, such as trait:frequency, that samples are matched on
_FORMAT = (
    "Correct --concepts: a list has a header `id<TAB>kind<TAB>LANGUAGE...` (kind may be left out) and one concept per "
    "line, in UTF-8."
)


def builtin(languages: Sequence[str]) -> Concepts:
    """Returns the built-in lexicon: everyday words in seven languages, half abstract, half physical; WordNet's ids."""
    data = resources.files("jaxalign").joinpath("data/lexicon.tsv").read_bytes()
    return parse(data, languages, "the built-in lexicon")


def read(path: Path, languages: Sequence[str]) -> Concepts:
    """Returns the concepts of the TSV file at `path` with the words of `languages`, in the order of the file.

    Cells are trimmed and NFC; a missing or empty `kind` is "other"; words may repeat.

    Raises:
        InputError: with the number of the line, for an unreadable file, wrong encoding, a missing or repeated column, a
            line with too few or too many cells, an empty cell, a repeated id, a kind other than abstract, physical and
            other.
    """
    return parse(_bytes(path), languages, str(path))


def languages_of(path: Path) -> tuple[str, ...]:
    """Returns the language columns of the TSV file at `path`."""
    lines = _lines(_bytes(path), str(path))
    return tuple(name for name in _header(lines, str(path)) if not _is_not_a_language(name))


def covariates_of(path: Path) -> dict[str, dict[str, float]]:
    """Returns the columns `trait:NAME` of the TSV file at `path`: NAME -> id -> number, nan for an empty cell."""
    lines = _lines(_bytes(path), str(path))
    header = _header(lines, str(path))
    columns: dict[str, dict[str, float]] = {name[len(TRAIT) :]: {} for name in header if name.startswith(TRAIT)}
    for number, line in lines[1:] if columns else ():
        cells = dict(zip(header, _cells(line, len(header), number, str(path)), strict=True))
        for name, column in columns.items():
            try:
                column[cells["id"]] = float(cells[TRAIT + name] or "nan")
            except ValueError as error:
                raise InputError(
                    f"Expected a number in column {TRAIT + name!r}, got {cells[TRAIT + name]!r} in line "
                    f"{number} of {path}. Correct the file of --concepts."
                ) from error
    return columns


def _is_not_a_language(name: str) -> bool:
    return name in ("id", "kind") or name.startswith(TRAIT)


def parse(data: bytes, languages: Sequence[str], source: str) -> Concepts:
    """Returns the concepts in the bytes of a TSV file; `source` is its name in errors."""
    lines = _lines(data, source)
    header = _header(lines, source)
    columns = [name for name in header if not _is_not_a_language(name)]
    for language in languages:
        if language not in columns:
            raise InputError(
                f"Expected languages of {source}, which has {', '.join(columns)}, got {language!r}. "
                "Change --languages, or add the column."
            )
        if not re.fullmatch(r"\w+([-_]\w+)*", language):  # it becomes the name of a file
            raise InputError(
                f"Expected codes of languages such as en or zh-Hans, got {language!r} in {source}. "
                "Change --languages, or rename the column."
            )
    ids: dict[str, int] = {}
    kinds, words = [], []
    for number, line in lines[1:]:
        cells = dict(zip(header, _cells(line, len(header), number, source), strict=True))
        empty = next((name for name in ("id", *columns) if not _is_word(cells[name])), None)
        if empty is not None:
            got = repr(cells[empty]) if cells[empty] else "an empty cell"
            raise InputError(
                f"Expected a word in column {empty!r}, got {got} in line {number} of {source}. "
                "Fill the cell in the file of --concepts, or remove the line."
            )
        kind = cells.get("kind") or "other"
        if kind not in KINDS:
            raise InputError(
                f"Expected a kind of {', '.join(KINDS)}, got {kind!r} in line {number} of {source}. "
                "Correct the file of --concepts."
            )
        if cells["id"] in ids:
            raise InputError(
                f"Expected each id once, got {cells['id']!r} in lines {ids[cells['id']]} and {number} of "
                f"{source}. Remove one from the file of --concepts."
            )
        ids[cells["id"]] = number
        kinds.append(kind)
        words.append([cells[language] for language in languages])
    if not ids:
        raise InputError(f"Expected concepts in {source}, got no line after the header. {_FORMAT}")
    by_language = dict(zip(languages, zip(*words, strict=True), strict=True))
    return Concepts(tuple(ids), tuple(kinds), by_language, (("listed", len(ids)),))


def _is_word(cell: str) -> bool:
    """Whether the cell has a letter, number or symbol, and no control character."""
    kinds = {unicodedata.category(letter) for letter in cell}
    return not kinds & {"Cc", "Cs"} and any(kind[0] in "LNS" for kind in kinds)


def _bytes(path: Path) -> bytes:
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:
        raise InputError(
            f"Expected a readable TSV file, got {str(path)!r} ({error}). "
            "Give --concepts builtin, wordnet or the path of a file."
        ) from error


def _lines(data: bytes, source: str) -> list[tuple[int, str]]:
    """The lines that are not blank, with their numbers from 1."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"Expected UTF-8, got the byte {data[error.start]:#04x} in line {number} of {source}. "
            "Save the file of --concepts as UTF-8."
        ) from error
    return [(number, line) for number, line in enumerate(re.split("\r\n|\r|\n", text), 1) if line.strip()]


def _header(lines: list[tuple[int, str]], source: str) -> list[str]:
    if not lines:
        raise InputError(f"Expected a header in line 1 of {source}, got an empty file. {_FORMAT}")
    number, line = lines[0]
    names = _cells(line, None, number, source)
    missing = "id" not in names or all(map(_is_not_a_language, names))
    if missing or "" in names or len(set(names)) < len(names):
        raise InputError(
            f"Expected columns id, kind and languages, each named once, got {', '.join(map(repr, names))} "
            f"in line {number} of {source}. {_FORMAT}"
        )
    return names


def _cells(line: str, count: int | None, number: int, source: str) -> list[str]:
    cells = [" ".join(unicodedata.normalize("NFC", cell).split()) for cell in line.split("\t")]
    if count is not None and len(cells) != count:
        raise InputError(
            f"Expected {count} cells as in the header, got {len(cells)} in line {number} of {source}. {_FORMAT}"
        )
    return cells
