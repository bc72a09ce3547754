"""The report's files: written whole or not at all, and read back."""

import json
from collections.abc import Sequence
from pathlib import Path

from jaxalign.runtime.files import write_text
from jaxalign.types import InputError

EXTRAS = "report.json"  # what the page shows beside the rows, kept so that it can be made again

NEEDED = {"model", "setting", "source", "target", "metric", "subset", "value"}  # of a row


def write_rows(path: str | Path, rows: Sequence[dict]) -> None:
    """Writes one JSON object a line, the whole file or nothing; ValueError for a number that is not finite."""
    write_text(Path(path), "".join(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows))


def read_rows(path: str | Path) -> list[dict]:
    """The rows of a results.jsonl, or of the run in a folder; InputError where the file is missing or not whole."""
    path = Path(path)
    path = path / "results.jsonl" if path.is_dir() else path
    if not path.is_file():
        raise InputError(f"Expected a finished run's results.jsonl, got none at {path}. Give the run's folder.")
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (ValueError, RecursionError, OSError) as error:
        raise InputError(f"Expected one JSON object a line in {path}, got {error}. Repeat the run.") from error
    wrong = next((row for row in rows if not isinstance(row, dict) or not NEEDED <= row.keys()), None)
    if not rows or wrong is not None:
        got = "none" if not rows else str(wrong)[:80]
        raise InputError(f"Expected rows with {', '.join(sorted(NEEDED))} in {path}, got {got}. Repeat the run.")
    return rows


def write_extras(folder: Path, extras: dict) -> None:
    """Writes what the page shows beside the rows."""
    write_text(folder / EXTRAS, json.dumps(extras, ensure_ascii=False, indent=1, default=str) + "\n")


def read_extras(folder: Path) -> dict:
    """What a run's page shows beside its rows; empty where the run has none."""
    path = folder / EXTRAS
    try:
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except (ValueError, RecursionError, OSError) as error:
        raise InputError(f"Expected JSON in {path}, got {error}. Repeat the run.") from error
