"""Word2vec's text format, read line by line into the array: a header `count dimension`, then `key value ...` lines."""

import re
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from jaxalign.embeddings.vector_files.table import (
    BLOCK_BYTES,
    ReadOptions,
    Table,
    WordVectors,
    check_size,
    decoded,
    refuse,
)
from jaxalign.embeddings.vector_files.table import header as read_header
from jaxalign.types import InputError

LONGEST_KEY = 4096  # bytes


def read_text(file: BinaryIO, path: Path, options: ReadOptions) -> WordVectors:
    """Keys and vectors of an open file in word2vec's text format."""
    count, width = read_header(file, path)
    wanted = min(count, options.most or count)
    check_size(path, wanted, 2 * width + 2)
    table = Table(path, wanted, width, options)
    keys: list[str] = []
    values: list[bytes] = []
    lines: list[int] = []
    size = rows = 0
    for number, line in _lines(file, path, width):
        rows += 1
        if rows > wanted:
            if options.most:
                break
            continue  # counted for the error below
        key, numbers = _fields(path, number, line, width)
        keys.append(key)
        values.append(numbers)
        lines.append(number)
        size += len(numbers)
        if size >= BLOCK_BYTES:
            table.add(keys, _numbers(path, values, lines, width), lines)
            keys, values, lines, size = [], [], [], 0
    if keys:
        table.add(keys, _numbers(path, values, lines, width), lines)
    if rows < wanted or rows > wanted and not options.most:
        raise InputError(
            f"Expected {count} vectors as the header says, got {rows} ({path}). Correct the file in --spaces."
        )
    return table.finish()


def _lines(file: BinaryIO, path: Path, width: int) -> Iterator[tuple[int, bytes]]:
    """(number, line) of the lines after the header; empty ones may only stand at the end of the file."""
    # Only line feeds end a line: a key may hold other separators of Unicode.
    most, number, empty = 64 * width + LONGEST_KEY, 1, 0
    while line := file.readline(most):
        number += 1
        if len(line) == most:
            refuse(path, number, f"a key and {width} values", f"a line of {most} bytes or more")
        line = line.rstrip(b"\r\n ")
        if not line.strip():
            empty = empty or number
            continue
        if empty:
            refuse(path, empty, f"a key and {width} values, separated by one space", "0 values")
        yield number, line


def _fields(path: Path, number: int, line: bytes, width: int) -> tuple[str, bytes]:
    """Key and values of a line: the values are its last `width` fields, so that a key may hold spaces."""
    key, _, values = line.partition(b" ")
    if values.count(b" ") != width - 1:  # a key with spaces, or tabs or several spaces between the fields
        fields = line.strip().rsplit(None, width)
        key, values = fields[0], b" ".join(fields[1:])
        if len(fields) <= width or _is_wider(key.split()[1:], values):
            binary = re.search(rb"[\x00-\x08\x0e-\x1f]", line)
            remedy = "Correct the file in --spaces"
            remedy += "; the binary format of word2vec has to be named LANG.bin" if binary else ""
            got = f"{len(line.split()) - 1} values"
            refuse(path, number, f"a key and {width} values, separated by one space", got, remedy)
    if not key:
        refuse(path, number, "a key before the values", "none")
    return decoded(path, number, key), values


def _is_wider(extra: Sequence[bytes], values: bytes) -> bool:
    """Whether the fields between the key's first and the values are values too; "catch 22 0.5 0.1" is a key."""
    if not extra or not all(map(is_number, extra)):
        return False
    return not (all(field.isdigit() for field in extra) and b"." in values)


def is_number(field: bytes) -> bool:
    """Returns whether a field of a line is a number, and not a word such as nan."""
    try:
        float(field)
    except ValueError:
        return False
    return not field.isalpha()


def _numbers(path: Path, rows: list[bytes], lines: list[int], width: int) -> np.ndarray:
    """(row, feature) float64: rounded to float32 it gives back every shortest text of a float32."""
    values = _parse(b" ".join(rows))
    if values is None or len(values) != len(rows) * width:
        for number, row in zip(lines, rows, strict=True):
            for field in row.split(b" "):
                one = _parse(field)
                if one is None or len(one) != 1:
                    refuse(path, number, "numbers", repr(field[:40].decode("utf-8", "replace")))
        refuse(path, lines[0], "numbers", "something else")
    return values.reshape(len(rows), width)


def _parse(text: bytes) -> np.ndarray | None:
    """All numbers of a text; None where something in it is not one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # NumPy warns where it stops early
        try:
            values = np.fromstring(text + b" 7", np.float64, sep=" ")  # the 7 is missing where it stopped early
        except ValueError:
            return None
    return values[:-1] if len(values) and len(values) == len(text.split()) + 1 else None
