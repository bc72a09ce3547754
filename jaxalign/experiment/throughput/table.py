"""Rows of the throughput suites as a table on the screen, and beside those of an earlier run.

The fields of a row are documented in docs/design/throughput.md. Seconds never contain compilation.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jaxalign.types import InputError

FILES = {"kernels": "kernels.jsonl", "embed": "embed.jsonl"}
SCHEMA = 2  # of a row; from 2 on `similarity` is the product only, and `pair` what `similarity` was before
# What two rows have in common that measure the same thing.
KEYS = ("schema", "stage", "train", "test", "features", "languages", "candidates", "settings", "precision", "model",
        "embedding", "pooling", "layers", "texts", "dtype")  # fmt: skip
_HEAD = ("stage", "size", "ms (low-high)", "rate", "GFLOP/s", "of peak", "GB/s", "of copy", "peak memory", "compile s")


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows under a heading: milliseconds with their extremes, rates, shares of the measured peaks, memory."""
    return _aligned([_HEAD, *(_cells(row) for row in rows)])


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    middle, low, high = (1000 * row[name] for name in ("seconds", "seconds_low", "seconds_high"))
    is_kernel = "stage" in row
    size = f"{row['texts']:,} texts, {row['layers']}" if not is_kernel else ""
    size = size or "x".join(str(row[name]) for name in ("train", "test", "features"))
    rate = f"{row['pairs_per_second']:,.0f} pairs/s" if is_kernel else f"{row['texts_per_second']:,.0f} texts/s"
    bandwidth = share = "-"  # the least bytes of an extraction are not counted
    if is_kernel:
        moved = row["bytes_moved"] / row["seconds"]
        bandwidth, share = f"{moved / 1e9:,.1f}", f"{100 * moved / row['copy_bytes_per_second']:.0f} %"
    memory = row.get("device_bytes") or row["host_bytes"]
    return (
        row["stage"] if is_kernel else f"{row['model']} {row['embedding']}", size,
        f"{middle:,.1f} ({low:,.1f}-{high:,.1f})", rate, f"{row['gflops_per_second']:,.1f}",
        f"{100 * row['peak_share']:.0f} %", bandwidth, share, f"{memory / 2**30:.2f} GiB",
        f"{row['compile_seconds']:.2f}",
    )  # fmt: skip


def comparison(rows: Sequence[Mapping[str, Any]], earlier: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """How many times as fast each row is as the row of the earlier run that measured the same.

    `times_as_fast` is the ratio of the medians, `low` and `high` those of the extremes; `apart` says whether the
    ranges of seconds do not overlap. Rows without a partner are left out; InputError where none has one.
    """
    partners = {_key(row): row for row in earlier}
    found = []
    for row in rows:
        before = partners.get(_key(row))
        if before is not None:
            found.append({name: row[name] for name in KEYS if name in row} | {
                "times_as_fast": before["seconds"] / row["seconds"],
                "low": before["seconds_low"] / row["seconds_high"],
                "high": before["seconds_high"] / row["seconds_low"],
                "apart": before["seconds_low"] > row["seconds_high"] or before["seconds_high"] < row["seconds_low"],
            })  # fmt: skip
    if not found:
        raise InputError(
            "Expected --compare with a run of the same stages, sizes and models, got none in common. Repeat its flags."
        )
    return found


def comparison_table(found: Sequence[Mapping[str, Any]]) -> str:
    """The comparison for the screen; `*` where the ranges do not overlap."""
    lines = [("compared with the earlier run", "times as fast", "range", "")]
    for row in found:
        name = " ".join(str(row[key]) for key in KEYS if key in row and key not in ("schema", "candidates", "settings"))
        mark = "*" if row["apart"] else ""
        lines.append((name, f"{row['times_as_fast']:.2f}", f"{row['low']:.2f}-{row['high']:.2f}", mark))
    return _aligned(lines)


def read(run: str | Path, suite: str) -> list[dict[str, Any]]:
    """The rows of an earlier run of a suite; InputError where it has none."""
    path = Path(run) / FILES[suite]
    try:
        rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        times = [row["seconds"] + row["seconds_low"] + row["seconds_high"] for row in rows]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"Expected --compare with the folder of a finished run of --suite={suite}, got {run} ({error})."
        ) from None
    if not times:
        raise InputError(f"Expected rows in {path}, got none. Give another run with --compare.")
    return rows


def _key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in KEYS)


def _aligned(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    rows = []
    for line in lines:
        cells = [cell.rjust(width) for cell, width in zip(line, widths, strict=True)]
        rows.append("  ".join((line[0].ljust(widths[0]), *cells[1:])).rstrip())
    return "\n".join(rows)
