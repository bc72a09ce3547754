"""The report's files: written whole or not at all, and read back."""

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxalign.metrics.rows import COLUMNS
from jaxalign.report.results import MEAN, SETTINGS
from jaxalign.runtime import clock
from jaxalign.runtime.files import write_bytes, write_text
from jaxalign.types import InputError

if TYPE_CHECKING:
    import pyarrow

EXTRAS = "report.json"  # what the page shows beside the rows, kept so that it can be made again
RANKS = "ranks.npz"  # the rank of the right answer of every query
TABLE, LINES = "results.parquet", "results.jsonl"  # every row of a run, and the rows to read by eye
_FEW = 2000  # rows of a run up to which results.jsonl holds them all
_INTEGERS, _FRACTIONS = ("layer", "seed_size", "csls_k", "count"), ("value", "low", "high")
_NEEDED = {"model", "setting", "source", "target", "metric", "subset", "value"}  # of a row


def write_results(folder: Path, rows: Sequence[dict]) -> None:
    """Writes all rows of a run as results.parquet, and the main ones as results.jsonl."""
    write_rows(folder / TABLE, rows)
    write_rows(folder / LINES, main_rows(rows))


def main_rows(rows: Sequence[dict]) -> list[dict]:
    """The rows to read by eye: means over all pairs, and P@1 of every pair, all concepts, in each setting.

    All rows where there are few.
    """
    if len(rows) <= _FEW:
        return list(rows)

    def is_main(row: dict) -> bool:
        if row["source"] == MEAN or row["target"] == MEAN:
            return row["source"] == row["target"]
        return row["metric"] == "P@1" and row["subset"] == "all" and row["setting"] in SETTINGS

    return [row for row in rows if is_main(row)]


def write_rows(path: str | Path, rows: Sequence[dict]) -> None:
    """Writes rows as Parquet where the file's name ends so, otherwise as one JSON object per line.

    The whole file or nothing; ValueError for a number that is not finite.
    """
    path = Path(path)
    if path.suffix == ".parquet":
        write_bytes(path, packed_rows(rows))
    else:
        write_text(path, "".join(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows))


def packed_rows(rows: Sequence[dict]) -> bytes:
    """Rows as the bytes of a Parquet table; ValueError for a number that is not finite."""
    with clock.importing():
        import pyarrow.parquet

    buffer = io.BytesIO()
    pyarrow.parquet.write_table(_table(rows), buffer, compression="zstd")
    return buffer.getvalue()


def unpacked_rows(data: bytes) -> list[dict]:
    """The rows of `packed_rows`."""
    import pyarrow.parquet

    return pyarrow.parquet.read_table(io.BytesIO(data)).to_pylist()


def _table(rows: Sequence[dict]) -> "pyarrow.Table":
    import pyarrow

    kinds = {name: pyarrow.int64() for name in _INTEGERS} | {name: pyarrow.float64() for name in _FRACTIONS}
    names = [*COLUMNS, *(["run"] if any("run" in row for row in rows) else [])]
    schema = pyarrow.schema([(name, kinds.get(name, pyarrow.string())) for name in names])
    columns = {name: [row.get(name) for row in rows] for name in names}
    # None for the layer of a difference of two models whose deepest layers have other numbers.
    columns["layer"] = [None if isinstance(layer, str) else layer for layer in columns["layer"]]
    for name in _FRACTIONS:
        wrong = np.flatnonzero(~np.isfinite(np.array([0.0 if value is None else value for value in columns[name]])))
        if wrong.size:
            raise ValueError(f"not finite: {rows[wrong[0]]}")
    return pyarrow.table(columns, schema=schema)


def results_file(path: str | Path) -> Path:
    """The file that holds all rows of a run: `path` itself, or in a folder results.parquet, or else results.jsonl."""
    path = Path(path)
    if path.is_dir():
        path = path / TABLE if (path / TABLE).is_file() else path / LINES
    if not path.is_file():
        raise InputError(f"Expected a finished run's {TABLE} or {LINES}, got none at {path}. Give the run's folder.")
    return path


def read_rows(path: str | Path) -> list[dict]:
    """The rows of a run's folder, or of a results.parquet or results.jsonl; InputError where they are not whole."""
    path = results_file(path)
    rows = read_table(path).to_pylist() if path.suffix == ".parquet" else _read_lines(path)
    wrong = next((row for row in rows if not isinstance(row, dict) or not row.keys() >= _NEEDED), None)
    if not rows or wrong is not None:
        got = "none" if not rows else str(wrong)[:80]
        raise InputError(f"Expected rows with {', '.join(sorted(_NEEDED))} in {path}, got {got}. Repeat the run.")
    return rows


def read_table(path: Path) -> "pyarrow.Table":
    """A results.parquet; InputError where it is damaged or holds no results."""
    import pyarrow.parquet

    table = _reading(path, "a Parquet table", lambda: pyarrow.parquet.read_table(path), pyarrow.ArrowException)
    if not _NEEDED <= set(table.column_names):
        raise InputError(f"Expected the columns {', '.join(sorted(_NEEDED))} in {path}, got "
                         f"{', '.join(table.column_names)}. Repeat the run.")  # fmt: skip
    return table


def _read_lines(path: Path) -> list[dict]:
    def read() -> list[dict]:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

    return _reading(path, "one JSON object per line", read, RecursionError)


def _reading(path: Path, expected: str, read: Callable[[], Any], also: type[Exception]) -> Any:
    try:
        return read()
    except (ValueError, OSError, also) as error:
        raise InputError(f"Expected {expected} in {path}, got {error}. Repeat the run.") from error


def read_ranks(folder: Path, wanted: Callable[[str], bool]) -> dict[str, np.ndarray]:
    """The tables of a run's ranks.npz whose name is `wanted`; none without the file, InputError where it is damaged."""
    path = Path(folder) / RANKS
    if not path.is_file():
        return {}
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files if wanted(name)}
    except Exception as error:  # NumPy's reader of a damaged archive raises errors of many kinds
        reason = " ".join(str(error).split())[:100]
        raise InputError(f"Expected the ranks of a run in {path}, got a damaged file ({reason}). Repeat the run, with "
                         "the same --workdir to use what is kept there.") from error  # fmt: skip


def write_extras(folder: Path, extras: dict) -> None:
    """Writes what the page shows next to the rows: one line per part, and one per record of a long part."""
    parts = [f"{json.dumps(name)}: {_lines(value)}" for name, value in extras.items()]
    write_text(folder / EXTRAS, "{\n" + ",\n".join(parts) + "\n}\n")


def _lines(value: object) -> str:
    """JSON of a value; the records of a list of records stand on lines of their own."""
    if isinstance(value, list) and value and all(isinstance(record, dict) for record in value):
        return "[\n" + ",\n".join(map(_json, value)) + "\n]"
    return _json(value)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str, separators=(",", ":"))


def read_extras(folder: Path) -> dict:
    """What a run's page shows beside its rows; empty where the run has none."""
    path = folder / EXTRAS
    try:
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except (ValueError, RecursionError, OSError) as error:
        raise InputError(f"Expected JSON in {path}, got {error}. Repeat the run.") from error
