"""The alignment engine against its peers, in one run: equality of ranks first, then interleaved times.

    python -m benchmarks.kernels_vs_peers --quick                      # a minute, tiny sizes
    python -m benchmarks.kernels_vs_peers --sizes=small,large,wide     # all contenders, about two hours on two cores
    python -m benchmarks.kernels_vs_peers --sizes=large --contenders=jaxalign_engine,torch_tuned --only=time

Each contender is a process of its own with all cores, is warmed up on one pair (this engine on the whole task, so that
its compilation is not timed), and then all of them take turns. One whose estimate exceeds --cap is timed on fewer
languages and scaled by the number of pairs, which the table says. Data are planted: a concept space with a decaying
spectrum, rotated for every language, with noise of its own. Rows go to --out/kernels_vs_peers.jsonl, which further runs
extend; the table compares a contender with this engine within one run only.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import kernels_table
from benchmarks.kernels_tasks import SIZES, Size, planted, task_of
from benchmarks.peers import Task

OURS = "jaxalign_engine"
CONTENDERS = (OURS, "torch_tuned", "numpy_tuned", "torch_naive", "numpy_naive", "scipy_naive",
              "faiss_flat", "sklearn_brute", "muse", "muse_faiss", "vecmap")  # fmt: skip


def worker(name: str, size: Size, data: str) -> None:
    """Answers lines `LANGUAGES FILE` on stdin with the seconds of a call, whose ranks it leaves in FILE."""
    import importlib
    import resource

    module = importlib.import_module(f"benchmarks.peers.{name}")
    spaces = np.load(data, mmap_mode="c")  # read as needed, and once for all contenders
    print("ready", flush=True)
    for line in sys.stdin:
        languages, file = line.split()
        task = task_of(spaces, size, int(languages))
        start, cpu = time.perf_counter(), time.process_time()
        ranks = module.run(task)
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        np.savez(file, **ranks)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(
            json.dumps({"seconds": seconds, "cpu_seconds": cpu, "host_bytes": peak, "depth": module.DEPTH}), flush=True
        )


class Contender:
    """A process that runs one contender when asked."""

    def __init__(self, name: str, size: str, data: Path) -> None:
        self.name, self._ranks = name, data.with_name(f"{name}.npz")
        command = [sys.executable, "-m", "benchmarks.kernels_vs_peers", f"--worker={name}"]
        self._process = subprocess.Popen(
            [*command, f"--sizes={size}", f"--data={data}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=fair_environment(name),
        )  # fmt: skip

    def wait(self) -> None:
        """Waits until the process is loaded; RuntimeError if it does not start."""
        if self._answer() != "ready":
            raise RuntimeError(f"{self.name} did not start; its message is above")

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def run(self, languages: int) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """What it measured, and its ranks."""
        assert self._process.stdin is not None
        print(languages, self._ranks, file=self._process.stdin, flush=True)
        answer = self._answer()
        if not answer:
            raise RuntimeError(f"{self.name} ended before it answered; its message is above")
        with np.load(self._ranks) as ranks:
            return json.loads(answer), dict(ranks)

    def close(self) -> None:
        """Ends the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def fair_environment(name: str) -> dict[str, str]:
    """The faiss wheel's OpenBLAS takes a modern CPU for an old one and is 3-4 times slower, so it is told."""
    environment = dict(os.environ)
    cpuinfo = Path("/proc/cpuinfo")
    if "faiss" in name and cpuinfo.exists() and "avx512f" in cpuinfo.read_text():
        environment.setdefault("OPENBLAS_CORETYPE", "SKYLAKEX")
    return environment


def check(contenders: list[Contender], spaces: np.ndarray, size: Size, row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One row per contender: how its ranks of the first pair compare with the float64 reference."""
    from tests.reference import reference_bounds

    task = task_of(spaces, size, 2)
    spanned = size.train > size.features + 1
    bounds = {}
    for setting in task.settings:
        if not task.both_directions:
            bounds[setting] = one_direction(task, 2e-6)
            continue
        bounds[setting] = reference_bounds(
            task.spaces, task.seed, task.vocabulary[task.queries], setting, csls_k=task.csls_k, tolerance=2e-6,
            candidates="test",
        )  # fmt: skip
    for contender in contenders:
        measured, ranks = contender.run(2)
        found = dict(row, kind="check", contender=contender.name)
        for setting in task.settings:
            if setting == "after" and not spanned and contender.name != OURS:
                continue  # the peers fill the free directions each in its own way
            cap = (measured["depth"] or size.test) + 1
            judged = (slice(None), slice(None)) if size.both_directions else (0, 1)
            lowest, highest = (np.minimum(bound, cap)[judged] for bound in bounds[setting])
            outside = (ranks[setting][judged] < lowest) | (ranks[setting][judged] > highest)
            found |= {f"{setting}_differ": int(outside.sum()), f"{setting}_near_ties": int((lowest != highest).sum())}
        found["queries"] = size.test * (1 + size.both_directions)
        yield found
        say(f"{contender.name}: {found}")


def one_direction(task: Task, tolerance: float, block: int = 500) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest rank after the map from the first into the second language, (2, 2, query), in float64.

    Works in blocks of rows, since the whole similarity does not fit into memory.
    """
    from jaxalign.reference import normalize, procrustes, unit_rows

    source, target = (normalize(vectors) for vectors in list(task.spaces.values())[:2])
    rotation = procrustes(source[task.seed], target[task.seed])
    source, target = unit_rows(source[task.vocabulary] @ rotation), target[task.vocabulary]
    k, bounds = task.csls_k, np.zeros((2, 2, 2, len(task.queries)), np.int64)
    r = np.concatenate(
        [np.partition(target[start : start + block] @ source.T, -k, axis=1)[:, -k:].mean(1)
         for start in range(0, len(target), block)]
    )  # fmt: skip
    for start in range(0, len(task.queries), block):
        right = task.queries[start : start + block]
        scores = 2 * source[right] @ target.T - r
        margin = scores - scores[np.arange(len(right)), right][:, None]
        bounds[0, 0, 1, start : start + block] = 1 + (margin > 2 * tolerance).sum(1)
        bounds[1, 0, 1, start : start + block] = (margin >= -2 * tolerance).sum(1)
    return bounds[0], bounds[1]


def measure(
    contenders: list[Contender], size: Size, row: dict[str, Any], repeats: int, cap: float, most: int
) -> Iterator[dict[str, Any]]:
    """One row per contender and turn; the first call, which compiles or warms up, has a row of its own."""
    languages = {}
    for contender in contenders:
        ours = contender.name == OURS
        first = contender.run(most if ours else 2)[0]["seconds"]
        estimate = first if ours else first * pairs(size.languages)
        fewer = [n for n in range(2, most + 1) if estimate * pairs(n) / pairs(size.languages) <= cap]
        languages[contender.name] = most if ours else max(fewer, default=2)
        say(f"{contender.name}: first call {first:.2f} s, {languages[contender.name]} languages will be timed")
        yield dict(row, kind="first", contender=contender.name, seconds=first)
    for turn in range(repeats):
        for contender in contenders:
            timed = languages[contender.name]
            measured, ranks = contender.run(timed)
            scale = pairs(size.languages) / pairs(timed)
            seconds, cpu = measured["seconds"] * scale, measured["cpu_seconds"] * scale
            right = {f"P@1 {setting}": precision(found, size.both_directions) for setting, found in ranks.items()}
            yield dict(
                row, kind="time", contender=contender.name, turn=turn, seconds=seconds, cpu_seconds=cpu,
                timed_languages=timed, host_bytes=measured["host_bytes"], **right,
            )  # fmt: skip
            say(f"turn {turn + 1}/{repeats} {contender.name}: {seconds:.2f} s")


def pairs(languages: int) -> int:
    """Unordered pairs."""
    return languages * (languages - 1) // 2


def precision(ranks: np.ndarray, both_directions: bool) -> float:
    """Mean P@1 over ordered pairs, or P@1 of the first pair."""
    return float((ranks[~np.eye(len(ranks), dtype=bool)] == 1).mean() if both_directions else (ranks[0, 1] == 1).mean())


def say(text: str) -> None:
    """Progress on stderr."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def main() -> None:
    """Reads the flags, compares each size and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="small", help=f"comma list of {', '.join(SIZES)}")
    parser.add_argument("--quick", action="store_true", help="only the size `quick`")
    parser.add_argument("--contenders", default=",".join(CONTENDERS))
    parser.add_argument("--only", choices=["check", "time", "table"])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--languages", type=int, help="time this many and scale, for a short run")
    parser.add_argument("--cap", type=float, default=60.0, help="seconds one turn of a contender may take")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--data", help=argparse.SUPPRESS)
    flags = parser.parse_args()
    if flags.worker:
        worker(flags.worker, SIZES[flags.sizes], flags.data)
        return
    flags.out.mkdir(parents=True, exist_ok=True)
    for name in ["quick"] if flags.quick else flags.sizes.split(","):
        if flags.only != "table":
            compare(name, flags)
    if flags.only != "check":
        kernels_table.write(flags.out)


def compare(name: str, flags: argparse.Namespace) -> None:
    """Runs one size and appends its rows."""
    size, row = SIZES[name], {"run": time.strftime("%Y-%m-%dT%H:%M:%S"), "size": name, **SIZES[name]._asdict()}
    most = min(flags.languages or size.languages, size.languages)
    with tempfile.TemporaryDirectory() as folder:
        spaces, data = planted(size), Path(folder) / "spaces.npy"
        np.save(data, spaces)
        contenders = [Contender(contender, name, data) for contender in flags.contenders.split(",")]
        try:
            for contender in contenders:
                contender.wait()
            say(f"{name}: all contenders are ready")
            if flags.only != "time":
                keep(check(contenders, spaces, size, row), flags.out)
            del spaces
            if flags.only != "check":
                keep(measure(contenders, size, row, flags.repeats, flags.cap, most), flags.out)
        finally:
            for contender in contenders:
                contender.close()


def keep(rows: Iterator[dict[str, Any]], folder: Path) -> None:
    """Appends each row as it comes, so that an interrupted run keeps what it measured."""
    for row in rows:
        with open(folder / kernels_table.ROWS, "a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
