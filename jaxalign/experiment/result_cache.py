"""Answers on disk, to one question about one space each, so that no question is computed twice: ranks, and rows."""

import hashlib
import io
import json
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from jaxalign.evaluation import pairs
from jaxalign.runtime import bucket, files
from jaxalign.runtime.log import LOGGER
from jaxalign.types import Space, Split

VERSION = 2  # raised when the answer to the same question may change


def digest(space: Space, split: Split, question: dict) -> str:
    """Hash of the vectors, the split and everything asked; two questions with one hash have one answer."""
    made = hashlib.blake2b(digest_size=16)
    made.update(json.dumps([VERSION, question, split, list(space.vectors)], sort_keys=True, default=list).encode())
    for rows in space.vectors.values():
        made.update(str(rows.shape).encode() + np.ascontiguousarray(rows, np.float32).tobytes())
    return made.hexdigest()


def digest_scores(found: Sequence[pairs.Outcome], masks: dict[str, np.ndarray], question: list) -> str:
    """Hash of ranks, of the queries' subsets and of everything asked of them."""
    heads = [[one.setting, one.seed_size, one.draw] for one in found]
    made = hashlib.blake2b(json.dumps([VERSION, question, heads, list(masks)], default=list).encode(), digest_size=16)
    for table in [*(part for one in found for part in (one.rank, one.best, one.ties)), *masks.values()]:
        made.update(str((table.shape, table.dtype)).encode() + np.ascontiguousarray(table).tobytes())
    return made.hexdigest()


def write(path: Path, found: Sequence[pairs.Outcome]) -> None:
    """Writes the outcomes behind a digest of themselves, whole or not at all."""
    heads = json.dumps([[one.setting, one.seed_size, one.draw] for one in found])
    tables = np.stack([np.stack([one.rank, one.best, one.ties]) for one in found])
    packed = io.BytesIO()
    np.savez_compressed(packed, heads=np.asarray(heads), tables=tables)
    _put(path, packed.getvalue())


def read(path: Path) -> list[pairs.Outcome] | None:
    """The outcomes of a file; None where it is absent, or damaged, which is said on stderr."""
    data = _get(path)
    if data is None:
        return None
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        heads, tables = json.loads(str(file["heads"])), file["tables"]
    return [pairs.Outcome(*head, *table) for head, table in zip(heads, tables, strict=True)]


def write_rows(path: Path, rows: Sequence[dict]) -> None:
    """As `write`, result rows."""
    _put(path, zlib.compress(json.dumps(rows).encode(), level=1))


def read_rows(path: Path) -> list[dict] | None:
    """As `read`, result rows."""
    data = _get(path)
    return None if data is None else json.loads(zlib.decompress(data))


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    files.write_bytes(path, hashlib.blake2b(data, digest_size=16).digest() + data)
    bucket.push([path])


def _get(path: Path) -> bytes | None:
    if not path.exists() and not bucket.pull([path]):
        return None
    data = path.read_bytes()
    if hashlib.blake2b(data[16:], digest_size=16).digest() != data[:16]:
        LOGGER.warning("%s is damaged; computing it again.", path)
        return None
    return data[16:]
