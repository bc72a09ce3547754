"""Spaces as files: a folder with one file of vectors per language, keyed by concept or word, read and written.

LANG.vec is word2vec's text format (`count dimension`, then `key value ...`); LANG.vec.gz, word2vec's binary LANG.bin
and LANG.npy with LANG.keys are read as well. LANG is a language code, or any other name without spaces.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from jaxalign.embeddings.vector_files import formats
from jaxalign.embeddings.vector_files.table import DEFAULTS, ReadOptions, WordVectors
from jaxalign.runtime import files
from jaxalign.types import InputError

__all__ = ["AlignedVectors", "ReadOptions", "WordVectors", "check", "key_of", "keys_of", "languages", "read",
           "read_folder", "read_language", "write_folder"]  # fmt: skip

SUFFIXES = (".vec", ".vec.gz", ".bin", ".npy")
_NAME = re.compile(r"\w+([-_]\w+)*")
_MOST_NAMED = 8  # languages or folders that an error lists


class AlignedVectors(NamedTuple):
    """Keys that all languages share, and each language's vectors of them, row by row."""

    ids: tuple[str, ...]
    vectors: dict[str, Float32[np.ndarray, "concept feature"]]


def languages(folder: str | Path) -> tuple[str, ...]:
    """Names of a folder's files of vectors, sorted; InputError where it has none."""
    return tuple(_paths(Path(folder)))


def read_folder(
    folder: str | Path, wanted: Sequence[str] | None = None, options: ReadOptions = DEFAULTS
) -> AlignedVectors:
    """The keys that all languages share, in the first one's order, and their vectors.

    `wanted` (default: every file, sorted) names the files and their order. Raises InputError with file and line.
    """
    folder = Path(folder)
    paths = _paths(folder)
    chosen = list(paths) if wanted is None else list(wanted)
    check(folder, chosen)
    spaces = {language: formats.read(paths[language], options) for language in chosen}
    shared = set.intersection(*(set(space.keys) for space in spaces.values()))
    ids = tuple(key for key in spaces[chosen[0]].keys if key in shared)
    if not ids:
        raise InputError(f"Expected keys in all of {_listed(chosen)}, got none shared in {folder}. Correct --spaces.")
    aligned = {}
    for language in chosen:
        keys, vectors = spaces.pop(language)  # one language at a time is in memory twice
        if keys != ids:
            row_of = {key: row for row, key in enumerate(keys)}
            vectors = vectors[[row_of[key] for key in ids]]
        aligned[language] = vectors
    return AlignedVectors(ids, aligned)


def check(folder: str | Path, wanted: Sequence[str]) -> None:
    """Raises InputError where a folder lacks one of the languages, or they differ in width; only headers are read."""
    paths = _paths(Path(folder))
    _check_present(Path(folder), paths, wanted)
    _check_widths({paths[language]: formats.width_of(paths[language]) for language in wanted})


def read_language(folder: str | Path, language: str, options: ReadOptions = DEFAULTS) -> WordVectors:
    """All keys and vectors of one language of a folder."""
    paths = _paths(Path(folder))
    _check_present(Path(folder), paths, [language])
    return formats.read(paths[language], options)


def read(path: str | Path, options: ReadOptions = DEFAULTS) -> WordVectors:
    """Keys and vectors of one file."""
    return formats.read(Path(path), options)


def _paths(folder: Path) -> dict[str, Path]:
    """Files of vectors by name; InputError where there are none, or two of one name."""
    if not folder.is_dir():
        raise InputError(f"Expected a folder of LANG.vec files, got {folder}. Correct --spaces.")
    paths: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        suffix = next((end for end in SUFFIXES if path.name.endswith(end)), None)
        name = path.name.removesuffix(suffix or "")
        if suffix is None or not _NAME.fullmatch(name) or not path.is_file():
            continue
        if name in paths:
            raise InputError(
                f"Expected one file of vectors per language in {folder}, got {paths[name].name} and {path.name}. "
                "Remove one of them."
            )
        paths[name] = path
    if not paths:
        below = [each.name for each in sorted(folder.iterdir()) if each.is_dir() and any(each.glob("*.vec*"))]
        if below:
            raise InputError(
                f"Expected LANG.vec files in {folder}, got folders of them: {_listed(below)}. Give one of these, such "
                f"as --spaces={folder / below[0]}."
            )
        kinds = ", ".join(f"LANG{suffix}" for suffix in SUFFIXES)
        raise InputError(f"Expected files of vectors ({kinds}) in {folder}, got none. Correct --spaces.")
    return paths


def _check_present(folder: Path, paths: Mapping[str, Path], wanted: Sequence[str]) -> None:
    missing = [language for language in wanted if language not in paths]
    if missing:
        raise InputError(
            f"Expected vectors of {_listed(missing)} in {folder}, got those of {_listed(list(paths))}. "
            "Correct --languages."
        )


def _check_widths(widths: Mapping[Path, int]) -> None:
    if len(set(widths.values())) > 1:
        listed = _listed([f"{path.name} with {width}" for path, width in widths.items()])
        raise InputError(
            f"Expected one dimension in all files, got {listed}. Correct --spaces, or reduce the wider vectors."
        )


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MOST_NAMED])
    return shown if len(names) <= _MOST_NAMED else f"{shown} and {len(names) - _MOST_NAMED} more"


def key_of(name: str) -> str:
    """The id as the key of a .vec file: white space becomes `_`."""
    return re.sub(r"\s", "_", name)


def keys_of(ids: Sequence[str]) -> list[str]:
    """The ids as keys of a .vec file: white space becomes `_`. Raises InputError where two become one."""
    keys = [key_of(name) for name in ids]
    if len(set(keys)) < len(keys) or not all(keys):
        raise InputError(
            "Expected ids that differ and are not empty (spaces count as _), got some twice. Rename them in "
            "--concepts, or drop --export_spaces."
        )
    return keys


def write_folder(folder: str | Path, ids: Sequence[str], vectors: Mapping[str, np.ndarray]) -> None:
    """Writes one LANG.vec per language; reading it gives back the same float32 numbers. Spaces in keys become `_`."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    keys = keys_of(ids)
    for language, rows in vectors.items():
        values = np.asarray(rows, np.float32)
        with files.atomic_writer(folder / f"{language}.vec") as file:
            file.write(f"{len(keys)} {values.shape[1]}\n".encode())
            for key, row in zip(keys, values, strict=True):
                # str of a NumPy float32 is the shortest text that reads back as the same number.
                file.write(f"{key} {' '.join(map(str, row))}\n".encode())
