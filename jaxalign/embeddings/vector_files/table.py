"""What all readers of vector files share: the table that they fill, the header line, and errors with file and line."""

import os
from pathlib import Path
from typing import BinaryIO, NamedTuple, NoReturn

import numpy as np
from jaxtyping import Float32

from jaxalign.runtime.log import LOGGER
from jaxalign.types import InputError

BLOCK_BYTES = 1 << 20  # of text or binary values that are parsed at once
GZIP = b"\x1f\x8b"  # first bytes of a compressed file
_PACKED = {b"PK\x03\x04": "a ZIP archive", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd"}


class WordVectors(NamedTuple):
    """Keys (words or concept ids) and their vectors, row by row."""

    keys: tuple[str, ...]
    vectors: Float32[np.ndarray, "key feature"]


class ReadOptions(NamedTuple):
    """most: words to read from the beginning of a file, 0 for all. repeated_keys: "refuse", or "first" to keep it."""

    most: int = 0
    repeated_keys: str = "refuse"


DEFAULTS = ReadOptions()


class Table:
    """The rows read so far, checked: finite, not zero, each key once."""

    def __init__(self, path: Path, count: int, width: int, options: ReadOptions):
        self._path, self._first_wins = path, options.repeated_keys == "first"
        self._vectors = np.empty((count, width), np.float32)
        self._keys: list[str] = []
        self._seen: set[str] = set()
        self._repeats: list[str] = []

    def add(self, keys: list[str], values: np.ndarray, lines: list[int]) -> None:
        """Adds (row, feature) values of any float type; `lines` says where in the file each row stands."""
        with np.errstate(over="ignore"):  # a value beyond float32 becomes infinite and is refused
            values = values.astype(np.float32, copy=False)
        for wrong, expected, got in (
            (~np.isfinite(values).all(1), "finite float32 values", "NaN or infinity"),
            (~values.any(1), "a vector that is not zero", "zeros"),
        ):
            if wrong.any():
                refuse(self._path, lines[int(np.argmax(wrong))], expected, got)
        kept = [row for row, key in enumerate(keys) if self._is_new(key, lines[row])]
        start = len(self._keys)
        self._keys += [keys[row] for row in kept]
        self._vectors[start : start + len(kept)] = values if len(kept) == len(keys) else values[kept]

    def _is_new(self, key: str, line: int) -> bool:
        if key not in self._seen:
            self._seen.add(key)
            return True
        if not self._first_wins:
            refuse(self._path, line, "each key once", f"{key!r} again", "Give --repeated_keys=first to keep the first")
        self._repeats.append(key)
        return False

    def finish(self) -> WordVectors:
        """All rows; says how many repeated keys were left out."""
        if self._repeats:
            LOGGER.warning(
                "%s: %d rows left out, their keys stand before them (%s)",
                self._path, len(self._repeats), ", ".join(map(repr, self._repeats[:3])),
            )  # fmt: skip
        return WordVectors(tuple(self._keys), self._vectors[: len(self._keys)])


class Header(NamedTuple):
    """What the first line of a .vec file says."""

    vectors: int  # how many
    width: int  # features of each


def header(file: BinaryIO, path: Path) -> Header:
    """Number of vectors and of features, from the first line."""
    line = file.readline(256).removeprefix(b"\xef\xbb\xbf")
    if line.startswith((b"\xff\xfe", b"\xfe\xff")):
        refuse(path, 1, "UTF-8 text", "UTF-16", "Convert the file in --spaces")
    for start, packed in _PACKED.items():
        if line.startswith(start):
            refuse(path, 1, "a plain file or one of gzip", packed, "Unpack the file in --spaces")
    text = line.decode("utf-8", "replace").strip()
    fields = text.split()
    if len(fields) != 2 or not all(field.isascii() and field.isdigit() and len(field) < 10 for field in fields):
        remedy = "Correct the file in --spaces; to a GloVe file add the line `COUNT DIMENSION`"
        refuse(path, 1, "a header of count and dimension", repr(text[:60]), remedy)
    count, width = map(int, fields)
    if count < 1 or width < 1:
        refuse(path, 1, "a positive count and dimension", repr(text[:60]))
    return Header(count, width)


def check_size(path: Path, count: int, row_bytes: int) -> None:
    """Refuses a header that promises more than the file can hold, before memory is asked for."""
    with open(path, "rb") as file:
        packed = file.read(2) == GZIP
    if not packed and count * row_bytes > os.path.getsize(path) + 2:
        raise InputError(
            f"Expected {count} vectors as the header says, got a file too short for them ({path}). Correct the file in "
            "--spaces."
        )


def decoded(path: Path, number: int, key: bytes) -> str:
    """The key of line `number` as text; InputError where it is not UTF-8."""
    try:
        return key.decode("utf-8")
    except UnicodeDecodeError:
        remedy = "Convert the file in --spaces; the binary format of word2vec has to be named LANG.bin"
        refuse(path, number, "UTF-8 text", "other bytes", remedy)


def refuse(path: Path, line: int, expected: str, got: str, remedy: str = "Correct the file in --spaces") -> NoReturn:
    """Raises the InputError of one line of a file."""
    raise InputError(f"Expected {expected}, got {got} ({path}, line {line}). {remedy}.")
