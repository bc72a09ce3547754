"""Tables in text files: TSV, or CSV with commas or semicolons, in UTF-8 or Excel's UTF-16, with or without quotes."""

import codecs
import csv
import io
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from jaxalign.types import InputError

_SHOWN = 10  # problems that one message lists
# First bytes of files that are no text -> what they are.
_NO_TEXT = {
    b"PK\x03\x04": "an Excel workbook or another ZIP archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\xff\xfe\0\0": "text in UTF-32",
    b"\x1f\x8b": "a file compressed by gzip",
    b"\x28\xb5\x2f\xfd": "a file compressed by zstd",
    b"BZh": "a file compressed by bzip2",
    b"\xfd7zXZ": "a file compressed by xz",
}


class Row(NamedTuple):
    """The cells of one row, and the line of the file that it begins in, from 1."""

    line: int
    cells: tuple[str, ...]


class TableFile(NamedTuple):
    """The rows of a file that are not blank, the header first; cells are trimmed and NFC."""

    source: str
    rows: tuple[Row, ...]


class Problems:
    """What is wrong in a file; all of it is raised as one error."""

    def __init__(self, source: str, remedy: str):
        self.source, self.remedy, self.noted = source, remedy, list[str]()

    def add(self, expected: str, got: str, line: int | None = None) -> None:
        """Notes one problem."""
        place = f"in line {line} of {self.source}" if line else f"in {self.source}"
        self.noted.append(f"Expected {expected}, got {got} {place}.")

    def raise_all(self) -> None:
        """Raises InputError with every problem noted so far, if there is one."""
        if not self.noted:
            return
        shown = self.noted[:_SHOWN]
        if len(self.noted) > _SHOWN:
            shown.append(f"And {len(self.noted) - _SHOWN:,} more.")
        if len(shown) == 1:
            raise InputError(f"{shown[0]} {self.remedy}")
        every = "".join(f"\n- {problem}" for problem in shown)
        count = f"Expected a list of --concepts without mistakes, got {len(self.noted):,}:"
        raise InputError(f"{count}{every}\n{self.remedy}")


def read_bytes(path: Path) -> bytes:
    """Returns the content of a file of --concepts."""
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:
        raise InputError(
            f"Expected a readable concept list, got {str(path)!r} ({error}). "
            "Give --concepts builtin, wordnet or the path of a list."
        ) from error


def parse(data: bytes, source: str) -> TableFile:
    """Returns the rows of a table; `source` names it in errors.

    The separator is the tab if the first line has one, otherwise the more frequent of semicolon and comma. A cell may
    stand in double quotes, with doubled quotes inside. Empty cells at the end of the header, and below them, and lines
    that begin with `#` and have one cell are left out. A first column without a name, as pandas writes the index of a
    table, is the column `id` where there is none, and left out where it numbers the rows of a table that has one.

    Raises:
        InputError: the encoding is another one, a quote is not closed, or text follows one that is.
    """
    text = decode(data, source)
    first = next((line for line in text.splitlines() if line.strip() and not line.startswith("#")), "")
    separator = "\t" if "\t" in first else max(";,", key=first.count)
    lines = text
    if first.startswith("sep=") and len(first.strip()) == 5:  # a line that Excel writes and reads
        separator, lines = first[4], text.replace(first, "", 1)
    rows = [row for row in _rows(lines, separator, source) if any(row.cells)]
    rows = [row for row in rows if not (row.cells[0].startswith("#") and not any(row.cells[1:]))]
    if not rows:
        return TableFile(source, ())
    if not rows[0].cells[0] and all(row.cells[0] for row in rows[1:]):
        if "id" not in (cell.casefold() for cell in rows[0].cells):
            rows[0] = Row(rows[0].line, ("id", *rows[0].cells[1:]))
        elif all(row.cells[0].isdigit() for row in rows[1:]):
            rows = [Row(row.line, row.cells[1:]) for row in rows]
    width = max((place for place, cell in enumerate(rows[0].cells, 1) if cell), default=0)
    return TableFile(source, tuple(Row(row.line, _without_empty_end(row.cells, width)) for row in rows))


def _rows(text: str, separator: str, source: str) -> Iterator[Row]:
    lines = list(io.StringIO(text, newline=""))
    reader = csv.reader(lines, delimiter=separator, strict=False)
    line, width = 1, 0
    try:
        for cells in reader:
            end = reader.line_num
            width = width or len(cells)
            # A quote that opens and does not close takes the next lines in, up to another quote; in `"No" he said` the
            # reader would take the quotes away.
            list(csv.reader(lines[line - 1 : end], delimiter=separator, strict=True))
            if end > line and len(cells) != width:
                raise csv.Error(f"{len(cells)} cells, not {width} as in the header")
            yield Row(line, tuple(" ".join(unicodedata.normalize("NFC", cell).split()) for cell in cells))
            line = end + 1
    except csv.Error as error:
        raise InputError(
            f"Expected cells that are plain or in double quotes, got a quote that is not closed in line {line} of "
            f"{source} ({error}). Correct the quotes in the file of --concepts: a cell that begins with a quote of its "
            "own stands in quotes, and those inside are doubled."
        ) from error


def _without_empty_end(cells: tuple[str, ...], width: int) -> tuple[str, ...]:
    return cells if any(cells[width:]) else cells[:width]


def decode(data: bytes, source: str) -> str:
    """Returns the text of a file in UTF-8, or in UTF-16 with a byte-order mark; names files that are no text."""
    for start, kind in _NO_TEXT.items():
        if data.startswith(start):
            remedy = "Save the list of --concepts as CSV or TSV in UTF-8."
            raise InputError(f"Expected a text file, got {kind} ({source}). {remedy}")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding, name = "utf-16", "UTF-16"
    elif b"\0" in data[:4] and not data.startswith(b"\0\0"):  # the first letters of a header are ASCII
        encoding, name = "utf-16-le" if data[1:2] == b"\0" else "utf-16-be", "UTF-16"
    else:
        encoding, name = "utf-8-sig", "UTF-8"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"Expected {name}, got the byte {data[error.start]:#04x} in line {line} of {source}. "
            "Save the file of --concepts as UTF-8."
        ) from error
