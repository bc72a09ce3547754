"""Spaces as text: a folder of `LANG.vec` keyed by concept, word2vec format (`count dimension`, `key value ...`)."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from jaxalign.types import InputError

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]+)*")


def languages(folder: str | Path) -> tuple[str, ...]:
    """Languages of a folder's LANG.vec files, sorted."""
    return tuple(_files(Path(folder)))


def _files(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise InputError(f"Expected a folder of LANG.vec files, got {folder}. Correct --spaces.")
    return {path.stem: path for path in sorted(folder.glob("*.vec")) if _LANGUAGE.fullmatch(path.stem)}


def read_folder(
    folder: str | Path, wanted: Sequence[str] | None = None
) -> tuple[tuple[str, ...], dict[str, Float32[np.ndarray, "concept feature"]]]:
    """Keys and vectors by language: rows aligned on the keys that all languages share, in the first one's order.

    `wanted` (default: every file, sorted) names the files and their order. Raises InputError with file and line.
    """
    folder = Path(folder)
    found = _files(folder)
    wanted = list(found) if wanted is None else list(wanted)
    missing = [language for language in wanted if language not in found]
    if missing or not wanted:
        has = ", ".join(found) or "none"
        raise InputError(f"Expected {', '.join(missing) or 'LANG'}.vec in {folder}, got {has}. Correct --languages.")
    spaces = {language: read(found[language]) for language in wanted}
    widths = {language: vectors.shape[1] for language, (_, vectors) in spaces.items()}
    if len(set(widths.values())) > 1:
        raise InputError(f"Expected one dimension in all files of {folder}, got {widths}. Correct --spaces.")
    shared = set.intersection(*(set(keys) for keys, _ in spaces.values()))
    ids = tuple(key for key in spaces[wanted[0]][0] if key in shared)
    if not ids:
        raise InputError(f"Expected keys in all of {', '.join(wanted)}, got none shared in {folder}. Correct --spaces.")
    aligned = {}
    for language, (keys, vectors) in spaces.items():
        at = {key: row for row, key in enumerate(keys)}
        aligned[language] = vectors[[at[key] for key in ids]]
    return ids, aligned


def read(path: str | Path) -> tuple[tuple[str, ...], Float32[np.ndarray, "key feature"]]:
    """Keys and vectors of one file."""
    path = Path(path)
    lines = _lines(path)
    count, width = _header(path, lines[0] if lines else "")
    rows = lines[1:]
    if len(rows) != count:
        raise InputError(
            f"Expected {count} vectors as the header says, got {len(rows)} ({path}). Correct the file in --spaces."
        )
    keys, texts = [], []
    for number, line in enumerate(rows, 2):
        key, _, values = line.rstrip(" ").partition(" ")
        if not key or values.count(" ") != width - 1:
            got = values.count(" ") + 1 if values else 0
            raise _error(path, number, f"a key and {width} values, separated by one space", f"{got} values")
        keys.append(key)
        texts.append(values)
    vectors = _numbers(path, texts, count, width)
    _check(path, keys, vectors)
    return tuple(keys), vectors


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"Expected UTF-8 text, got another at byte {error.start} ({path}). Convert the file in --spaces."
        ) from None
    except OSError as error:
        raise InputError(f"Expected a readable file, got {path} ({error.strerror}). Correct --spaces.") from None
    # Only line feeds end a line: a key may hold other separators of Unicode.
    lines = text.replace("\r\n", "\n").split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    return lines


def _header(path: Path, line: str) -> tuple[int, int]:
    fields = line.split()
    if len(fields) != 2 or not all(field.isascii() and field.isdigit() and len(field) < 10 for field in fields):
        raise _error(path, 1, "a header of count and dimension", repr(line[:60]))
    count, width = map(int, fields)
    if count < 1 or width < 1:
        raise _error(path, 1, "a positive count and dimension", repr(line[:60]))
    return count, width


def _numbers(path: Path, texts: list[str], count: int, width: int) -> np.ndarray:
    """All values at once; line by line only to name the line that is wrong."""
    try:
        # Through float64, whose rounding to float32 gives back every repr of a float32.
        flat = np.array(" ".join(texts).split(" "), dtype=np.float64)
        with np.errstate(over="ignore"):
            return flat.reshape(count, width).astype(np.float32)
    except ValueError:
        for number, text in enumerate(texts, 2):
            for value in text.split(" "):
                try:
                    float(value)
                except ValueError:
                    raise _error(path, number, "numbers", repr(value[:40])) from None
        raise _error(path, 2, "numbers", "something else") from None


def _check(path: Path, keys: list[str], vectors: np.ndarray) -> None:
    wrong = ~np.isfinite(vectors).all(1)
    if wrong.any():
        raise _error(path, int(wrong.argmax()) + 2, "finite float32 values", "NaN or infinity")
    empty = ~vectors.any(1)
    if empty.any():
        raise _error(path, int(empty.argmax()) + 2, "a vector that is not zero", "zeros")
    if len(set(keys)) < len(keys):
        seen: set[str] = set()
        for number, key in enumerate(keys, 2):
            if key in seen:
                raise _error(path, number, "each key once", f"{key!r} again")
            seen.add(key)


def _error(path: Path, line: int, expected: str, got: str) -> InputError:
    return InputError(f"Expected {expected}, got {got} ({path}, line {line}). Correct the file in --spaces.")


def keys_of(ids: Sequence[str]) -> list[str]:
    """The ids as keys of a .vec file: white space becomes `_`. Raises InputError where two become one."""
    keys = [re.sub(r"\s", "_", key) for key in ids]
    if len(set(keys)) < len(keys) or not all(keys):
        raise InputError(
            "Expected ids that differ and are not empty (spaces count as _), got some twice. Rename them in "
            "--concepts, or drop --export_spaces."
        )
    return keys


def write_folder(folder: str | Path, ids: Sequence[str], vectors: Mapping[str, np.ndarray]) -> None:
    """Writes a LANG.vec a language; reading it gives back the same float32 numbers. Spaces in keys become `_`."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    keys = keys_of(ids)
    for language, rows in vectors.items():
        values = np.asarray(rows, np.float32)
        with open(folder / f"{language}.vec", "w", encoding="utf-8", newline="\n") as handle:
            handle.write(f"{len(keys)} {values.shape[1]}\n")
            for key, row in zip(keys, values, strict=True):
                # str of a NumPy float32 is the shortest text that reads back as the same number.
                handle.write(f"{key} {' '.join(map(str, row))}\n")
