"""Spaces as text: folders of LANG.vec in word2vec's format, keyed by concept id (spaces in a key stand as `_`)."""

import os
import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from jaxalign.types import InputError

LANGUAGE = re.compile(r"[A-Za-z0-9-]+")


def languages(folder: Path) -> tuple[str, ...]:
    """The LANG of every LANG.vec in the folder, sorted; InputError where there is no such folder."""
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"Expected a folder of LANG.vec files, got {folder}, which is none. Change --spaces.")
    return tuple(sorted(path.stem for path in folder.glob("*.vec") if LANGUAGE.fullmatch(path.stem)))


def read_folder(
    folder: Path, wanted: Sequence[str]
) -> tuple[tuple[str, ...], dict[str, Float32[np.ndarray, "concept feature"]]]:
    """(ids, language -> vectors) of the concepts that all files have, in the order of the first.

    Raises InputError for a language without a file, spaces of different dimension, or nothing shared.
    """
    have = languages(folder)
    for code in wanted:
        if code not in have:
            raise InputError(
                f"Expected {code}.vec in {folder}, got none. It has {', '.join(have) or 'no .vec file'}; "
                "change --languages or --spaces."
            )
    read = {code: read_file(Path(folder) / f"{code}.vec") for code in wanted}
    sizes = {code: vectors.shape[1] for code, (_, vectors) in read.items()}
    if len(set(sizes.values())) > 1:
        said = ", ".join(f"{code} {size}" for code, size in sizes.items())
        raise InputError(
            f"Expected spaces of one dimension in {folder}, got {said}. Reduce them to the smallest first."
        )
    places = {code: {key: row for row, key in enumerate(keys)} for code, (keys, _) in read.items()}
    shared = tuple(key for key in read[wanted[0]][0] if all(key in place for place in places.values()))
    if not shared:
        raise InputError(
            f"Expected keys that all of {', '.join(wanted)} share in {folder}, got none. Key them by concept."
        )
    return shared, {code: vectors[[places[code][key] for key in shared]] for code, (_, vectors) in read.items()}


def read_file(path: Path) -> tuple[tuple[str, ...], Float32[np.ndarray, "concept feature"]]:
    """(keys, vectors) of one .vec file: a line `COUNT DIMENSION`, then `KEY v1 v2 ...` a line, all separated by spaces.

    UTF-8, a byte-order mark and CRLF are accepted. InputError names the line for anything else: wrong counts, a key
    twice, a number that is none, NaN, infinite or beyond float32, a vector of zeros.
    """
    lines = _lines(path)
    count, size = _header(path, lines[0] if lines else "")
    if len(lines) - 1 != count:
        raise InputError(
            f"Expected {count:,} lines after the first in {path}, got {len(lines) - 1:,}. Mend the first line."
        )
    keys, numbers = [], []
    for place, line in enumerate(lines[1:], 2):
        key, _, rest = line.partition(" ")
        if not key or len(rest.split()) != size:
            raise InputError(f"Expected a key and {size} numbers in line {place} of {path}, got {_short(line)}.")
        keys.append(key)
        numbers.append(rest)
    seen: dict[str, int] = {}
    for place, key in enumerate(keys, 2):
        if seen.setdefault(key, place) != place:
            raise InputError(
                f"Expected each key once in {path}, got {key!r} in lines {seen[key]} and {place}. Remove one."
            )
    vectors = _numbers(path, numbers, size)
    wrong = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(wrong):
        raise InputError(
            f"Expected finite float32 numbers in line {wrong[0] + 2} of {path}, got {_short(lines[wrong[0] + 1])}."
        )
    zero = np.flatnonzero(~vectors.any(axis=1))
    if len(zero):
        raise InputError(
            f"Expected no vector of zeros, which has no direction, got {keys[zero[0]]!r} in line {zero[0] + 2} of "
            f"{path}. Leave its concept out."
        )
    return tuple(keys), vectors


def write_folder(
    folder: Path, ids: Sequence[str], vectors: Mapping[str, Float32[np.ndarray, "concept feature"]]
) -> None:
    """Writes LANG.vec for every language, each whole or not at all; nine digits give float32 back exactly."""
    folder.mkdir(parents=True, exist_ok=True)
    keys = [re.sub(r"\s", "_", name) for name in ids]
    for code, rows in vectors.items():
        temporary = folder / f".{code}.vec.{os.getpid()}"
        with open(temporary, "w", encoding="utf-8", newline="\n") as file:
            file.write(f"{len(keys)} {rows.shape[1]}\n")
            form = " ".join(["%.9g"] * rows.shape[1])
            for key, row in zip(keys, rows, strict=True):
                file.write(f"{key} {form % tuple(row.tolist())}\n")
        os.replace(temporary, folder / f"{code}.vec")


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"Expected UTF-8 in {path}, got byte {error.start} that is none. Convert the file.") from error
    except OSError as error:
        raise InputError(f"Expected a file that can be read, got {path}: {error.strerror}. Change --spaces.") from error
    return [line.removesuffix("\r").strip(" \t") for line in text.removesuffix("\n").split("\n")] if text else []


def _header(path: Path, line: str) -> tuple[int, int]:
    parts = line.split()
    if (
        len(parts) != 2
        or not all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts)
        or "0" in parts
    ):
        raise InputError(f"Expected `COUNT DIMENSION` in the first line of {path}, got {_short(line)}.")
    return int(parts[0]), int(parts[1])


def _numbers(path: Path, rows: list[str], size: int) -> Float32[np.ndarray, "concept feature"]:
    with warnings.catch_warnings(), np.errstate(over="ignore"):
        warnings.simplefilter("error", DeprecationWarning)  # how NumPy tells of text that is no number
        try:
            found = np.fromstring(" ".join(rows), dtype=np.float64, sep=" ")
        except (DeprecationWarning, ValueError):
            found = np.empty(0)
        if len(found) != len(rows) * size:
            raise InputError(_first_wrong(path, rows))
        return found.reshape(-1, size).astype(np.float32)


def _first_wrong(path: Path, rows: list[str]) -> str:
    for place, row in enumerate(rows, 2):
        for word in row.split():
            try:
                float(word)
            except ValueError:
                return f"Expected numbers in line {place} of {path}, got {_short(word)}."
            if not word.isascii() or "_" in word:
                return f"Expected numbers in line {place} of {path}, got {_short(word)}."
    return f"Expected numbers separated by single spaces in {path}, got something else."


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "...")
