"""Whole runs in processes of their own: seconds from the command to its end, stages, and the peak of memory.

    python -m benchmarks.whole_runs [--real=FOLDER,FOLDER] [--repeats=3]

The quickstart is run cold (no compiled program is kept) and warm (the second time with the same cache). For each real
checkpoint a run over the built-in lexicon is measured with the last layer and with all layers, so that the table shows
what memory takes beside the weights, and that it does not grow with the layers.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LANGUAGES = "en,fr,ro,eu,fi,ja,th"


def run(flags: Sequence[str], workdir: Path, cache: Path) -> dict[str, Any]:
    """One run: seconds by the wall clock, processor seconds, peak memory in bytes, seconds of its stages.

    Compiled programs are kept in the folder `cache` only.
    """
    command = [sys.executable, "-m", "jaxalign.bench", *flags, f"--workdir={workdir}", "--run_name=measured"]
    start = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "XDG_CACHE_HOME": str(cache)},
    )  # fmt: skip
    assert process.stderr is not None
    message = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        raise SystemExit(f"{' '.join(command)} failed:\n{message[-2000:]}")
    stages = [json.loads(line) for line in (workdir / "measured" / "timing.jsonl").read_text("utf-8").splitlines()]
    return {
        "seconds": seconds,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "host_bytes": usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
        "stages": {row["phase"]: round(row["seconds"], 2) for row in stages if "phase" in row},
    }


def quickstart(repeats: int) -> list[dict[str, Any]]:
    """The quickstart without compiled programs, and with those of the run before."""
    rows = []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            for kind in ("cold", "warm"):
                measured = run(["--flagfile=benchmarks/quickstart.flags"], Path(folder) / kind, Path(folder) / "cache")
                rows.append({"run": f"quickstart, {kind}", **measured})
    return rows


def real(folder: Path) -> list[dict[str, Any]]:
    """A real checkpoint over the built-in lexicon: the last layer, then all layers."""
    rows = []
    weights = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    for layers in ("last", "all"):
        with tempfile.TemporaryDirectory() as work:
            flags = [f"--models={folder}", f"--layers={layers}", f"--languages={LANGUAGES}", "--concepts=builtin",
                     "--embeddings=vanilla,prompt"]  # fmt: skip
            measured = run(flags, Path(work) / "runs", Path(work) / "cache")
        rows.append({"run": f"{folder.name}, layers={layers}", "weights_bytes": weights, **measured})
    return rows


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Markdown: medians of the runs of one name."""
    lines = [
        "| run | seconds (range) | processor seconds | peak memory | weights | stages |",
        "|---|---|---|---|---|---|",
    ]
    for name in dict.fromkeys(row["run"] for row in rows):
        same = [row for row in rows if row["run"] == name]
        seconds = [row["seconds"] for row in same]
        weights = f"{same[0]['weights_bytes'] / 2**30:.2f} GiB" if "weights_bytes" in same[0] else "-"
        stages = ", ".join(f"{stage} {value:.1f}" for stage, value in same[-1]["stages"].items() if value >= 0.1)
        lines.append(
            f"| {name} | {median(seconds):.1f} ({min(seconds):.1f}-{max(seconds):.1f}) "
            f"| {median(row['cpu_seconds'] for row in same):.1f} "
            f"| {max(row['host_bytes'] for row in same) / 2**30:.2f} GiB | {weights} | {stages} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Reads the flags, measures and prints the table; the rows go to --out as well."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", default="", help="folders of real checkpoints")
    parser.add_argument("--repeats", type=int, default=3, help="of the quickstart")
    parser.add_argument("--out", default="", help="file for the rows, one JSON object per line")
    args = parser.parse_args()
    rows = quickstart(args.repeats)
    for folder in filter(None, args.real.split(",")):
        rows += real(Path(folder))
    print(table(rows))
    if args.out:
        Path(args.out).write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


if __name__ == "__main__":
    main()
