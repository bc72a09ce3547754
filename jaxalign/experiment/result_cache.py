"""Results on disk, one file per request about one space, so that nothing is computed twice: ranks, and rows."""

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np

from jaxalign.evaluation.result import Ranks, SettingRanks
from jaxalign.metrics.evaluated import Evaluated
from jaxalign.metrics.rows import ResultRow
from jaxalign.report import files as report_files
from jaxalign.runtime import bucket, files
from jaxalign.runtime.log import LOGGER
from jaxalign.types import Space, Split

VERSION = 4  # raised when the result for the same key may change
SCORES_VERSION = 3  # raised when the rows of the same ranks may change


def digest(space: Space, split: Split, kind: str, options: Mapping[str, object]) -> str:
    """Hash of the vectors, the split and everything asked of them; two requests with one hash have one result."""
    made = hashlib.blake2b(digest_size=16)
    asked = [VERSION, kind, dict(options), split, list(space.vectors)]
    made.update(json.dumps(asked, sort_keys=True, default=list).encode())
    for rows in space.vectors.values():
        made.update(str(rows.shape).encode() + np.ascontiguousarray(rows, np.float32).tobytes())
    return made.hexdigest()


def digest_scores(evaluated: Sequence[Evaluated], options: Sequence[object]) -> str:
    """Hash of ranks, of the queries' subsets and of everything asked of them."""
    made = hashlib.blake2b(digest_size=16)
    for one in evaluated:
        heads = [table[:3] for table in one.ranks.tables]
        about = (one.label, one.ranks.languages, one.concepts.ids, one.concepts.kinds, one.split, one.columns)
        asked = [VERSION, SCORES_VERSION, options, heads, *about, list(one.subsets)]
        made.update(json.dumps(asked, default=list).encode())
        given = [*one.subsets.values(), *([] if one.identical is None else [one.identical])]
        for table in [*(part for one_setting in one.ranks.tables for part in one_setting[3:]), *given]:
            made.update(str((table.shape, table.dtype)).encode() + np.ascontiguousarray(table).tobytes())
    return made.hexdigest()


def write(path: Path, ranks: Ranks) -> None:
    """Writes the ranks behind a digest of themselves, whole or not at all."""
    heads = json.dumps([list(ranks.languages), [table[:3] for table in ranks.tables]])
    tables = np.stack([np.stack(table[3:]) for table in ranks.tables])
    packed = io.BytesIO()
    np.savez_compressed(packed, heads=np.asarray(heads), tables=tables)
    _put(path, packed.getvalue())


def read(path: Path) -> Ranks | None:
    """The ranks of a file; None where it is absent, or damaged, which is said on stderr."""
    data = _get(path)
    if data is None:
        return None
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        (languages, heads), tables = json.loads(str(file["heads"])), file["tables"]
    made = (SettingRanks(*head, *table) for head, table in zip(heads, tables, strict=True))
    return Ranks(tuple(languages), tuple(made))


def write_rows(path: Path, rows: Sequence[ResultRow]) -> None:
    """As `write`, result rows, as the Parquet table that results.parquet is."""
    _put(path, report_files.packed_rows([dict(row) for row in rows]))


def read_rows(path: Path) -> list[ResultRow] | None:
    """As `read`, result rows."""
    data = _get(path)
    return None if data is None else cast(list[ResultRow], report_files.unpacked_rows(data))


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
