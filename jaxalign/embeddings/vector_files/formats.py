"""Readers of one file of word vectors: word2vec's text and binary formats and NumPy arrays, all read block by block.

While a file is read, the array, its keys and one block are in memory: measured 1.1 times the array for 20,000 words of
300 features.
"""

import gzip
from codecs import BOM_UTF8
from pathlib import Path
from typing import BinaryIO

import numpy as np

from jaxalign.embeddings.vector_files.table import (
    BLOCK_BYTES,
    DEFAULTS,
    GZIP,
    ReadOptions,
    Table,
    WordVectors,
    check_size,
    decoded,
    header,
)  # fmt: skip
from jaxalign.embeddings.vector_files.text import LONGEST_KEY, is_number, read_text
from jaxalign.runtime.memory import advice
from jaxalign.types import InputError

KEY_SUFFIXES = (".keys", ".vocab", ".txt")  # of the file beside LANG.npy, one key per line
_FASTTEXT = b"\xba\x16\x4f\x2f"  # first bytes of a whole fastText model


def read(path: Path, options: ReadOptions = DEFAULTS) -> WordVectors:
    """Keys and float32 vectors of LANG.vec, LANG.vec.gz, LANG.bin or LANG.npy; InputError with file and line."""
    help_with = "give --max_vocabulary=N for the first N words of each file, or fewer --languages"
    with advice(f"reading {path}", help_with):
        try:
            if path.suffix == ".npy":
                return _read_numpy(path, options)
            binary = path.suffix == ".bin" and not _is_text(path)
            with _open(path) as file:
                return (_read_binary if binary else read_text)(file, path, options)
        except (OSError, EOFError) as error:
            reason = getattr(error, "strerror", None) or error
            raise InputError(f"Expected a readable file, got {path} ({reason}). Correct --spaces.") from None


def width_of(path: Path) -> int:
    """Features of a file's vectors, read from its beginning."""
    try:
        if path.suffix == ".npy":
            return _array(path).shape[1]
        with _open(path) as file:
            return header(file, path)[1]
    except (OSError, EOFError) as error:
        raise InputError(f"Expected a readable file, got {path} ({error}). Correct --spaces.") from None


def _is_text(path: Path) -> bool:
    """Whether the first vector of a LANG.bin is written as text: some programs give that name to either format."""
    with _open(path) as file:
        width = header(file, path).width
        fields = file.readline(LONGEST_KEY + 64 * width).rsplit(None, width)
    return len(fields) == width + 1 and all(map(is_number, fields[1:]))


def _read_binary(file: BinaryIO, path: Path, options: ReadOptions) -> WordVectors:
    """The binary format of word2vec: a header line, then for each word its key, a space and float32 values."""
    count, width = header(file, path)
    wanted = min(count, options.most or count)
    check_size(path, wanted, 4 * width + 2)
    table = Table(path, wanted, width, options)
    step = max(1, BLOCK_BYTES // (4 * width))
    data, start, row = b"", 0, 0
    while row < wanted:
        keys: list[str] = []
        values = np.empty((min(step, wanted - row), width), np.float32)
        for place in range(len(values)):
            while (end := data.find(b" ", start, start + LONGEST_KEY)) < 0 or len(data) < end + 1 + 4 * width:
                more = file.read(BLOCK_BYTES)
                if not more or end < 0 and len(data) > start + LONGEST_KEY:
                    got = f"the end of the file or a damaged key in vector {row + place + 1}"
                    raise InputError(
                        f"Expected {count} vectors of {width} float32 values as the header says, got {got} ({path}). "
                        "Correct the file in --spaces."
                    )
                data, start = data[start:] + more, 0
            keys.append(decoded(path, row + place + 2, data[start:end].lstrip(b"\n")))
            values[place] = np.frombuffer(data, "<f4", width, end + 1)
            start = end + 1 + 4 * width
        table.add(keys, values, list(range(row + 2, row + 2 + len(keys))))
        row += len(keys)
    if not options.most and (data[start:] + file.read(BLOCK_BYTES)).strip():
        raise InputError(
            f"Expected {count} vectors as the header says, got more ({path}). Correct the file in --spaces."
        )
    return table.finish()


def _read_numpy(path: Path, options: ReadOptions) -> WordVectors:
    """LANG.npy, (key, feature), with its keys in a text file beside it."""
    array = _array(path)
    key_path = next((path.with_suffix(end) for end in KEY_SUFFIXES if path.with_suffix(end).is_file()), None)
    if key_path is None:
        names = " or ".join(path.with_suffix(end).name for end in KEY_SUFFIXES)
        raise InputError(f"Expected the keys of {path}, one per line, in {names} beside it, got none. Add that file.")
    lines = key_path.read_bytes().removeprefix(BOM_UTF8).splitlines()
    keys = [decoded(key_path, number, line.strip()) for number, line in enumerate(lines, 1)]
    if len(keys) != len(array) or not all(keys):
        raise InputError(
            f"Expected one key per row of {path}, got {len(keys)} for {len(array)} rows ({key_path}). Correct one."
        )
    wanted = min(len(array), options.most or len(array))
    table, step = Table(key_path, wanted, array.shape[1], options), max(1, BLOCK_BYTES // (4 * array.shape[1]))
    for start in range(0, wanted, step):
        end = min(start + step, wanted)
        table.add(keys[start:end], np.asarray(array[start:end]), list(range(start + 1, end + 1)))
    return table.finish()


def _array(path: Path) -> np.ndarray:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise InputError(f"Expected a NumPy array of numbers, got {path} ({error}). Correct --spaces.") from None
    if not isinstance(array, np.ndarray):  # np.load opens .npz files under any name
        raise InputError(f"Expected one NumPy array, got several in .npz format ({path}). Save one with numpy.save.")
    if array.ndim != 2 or array.dtype.kind != "f" or not array.size:
        raise InputError(
            f"Expected an array of floats, (key, feature), got {array.dtype} {array.shape} ({path}). Correct --spaces."
        )
    return array


def _open(path: Path) -> BinaryIO:
    """The file, decompressed where it is gzip's, whatever its name."""
    with open(path, "rb") as file:
        start = file.read(4)
    if start == _FASTTEXT:
        raise InputError(
            f"Expected word vectors in word2vec's format, got a whole fastText model ({path}). Give its .vec file, or "
            "export its vectors (fasttext print-word-vectors)."
        )
    return gzip.open(path, "rb") if start.startswith(GZIP) else open(path, "rb")  # type: ignore[return-value]
