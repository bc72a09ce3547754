"""Every layer, pair and setting of one planted model: `python -m benchmarks.layer_sweep --out=FOLDER`.

33 layers x 21 unordered pairs x 4 settings at 2,500 concepts and 1,024 features by default. Each finished layer is kept
in the folder, and the same command continues from there. Shows what is done and the time left.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

import numpy as np

from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.evaluation.pairs import evaluate
from jaxalign.evaluation.rows import Rows
from jaxalign.experiment.throughput.work import planted
from jaxalign.runtime import log
from jaxalign.runtime.progress import Progress

SETTINGS = ("before", "after", "ceiling", "null")


def sweep(flags: argparse.Namespace) -> list[dict]:
    """One row per layer and setting: mean P@1 over pairs. A layer that is on disk is not computed again."""
    log.configure()
    flags.out.mkdir(parents=True, exist_ok=True)
    order = np.random.default_rng(0).permutation(flags.concepts)
    seed, test = order[: flags.seeds], order[flags.seeds :]
    key = "-".join(str(getattr(flags, name)) for name in ("concepts", "seeds", "features", "languages"))
    calls = flags.layers * flags.languages * (flags.languages - 1) // 2 * len(SETTINGS)
    rows = []
    with Progress(calls, "layer sweep", "pairs and settings") as progress:
        for layer in range(flags.layers):
            path = flags.out / f"{key}-layer-{layer:02d}.npz"
            if path.exists():
                progress.update(calls // flags.layers)
            else:
                spaces = planted(flags.concepts, flags.features, flags.languages, layer)
                options = AlignmentOptions(settings=SETTINGS, best=False)
                save(path, evaluate(spaces, Rows(seed, test), options, progress=lambda *_: progress.update()))
            with np.load(path) as kept:
                rows += [{"layer": layer, "setting": name, "P@1": precision(kept[name])} for name in SETTINGS]
    return rows


def save(path: Path, ranks: dict[str, np.ndarray]) -> None:
    """Writes under another name first, so that an interrupted run leaves no incomplete file."""
    partial = path.with_suffix(".partial")
    with open(partial, "wb") as file:
        np.savez_compressed(file, **ranks)
    os.replace(partial, path)


def precision(ranks: np.ndarray) -> float:
    """Mean P@1 over ordered pairs."""
    return float((ranks[~np.eye(len(ranks), dtype=bool)] == 1).mean())


def main() -> None:
    """Reads the flags, runs the sweep and writes layers.jsonl."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    for name, value in {"layers": 33, "languages": 7, "concepts": 2500, "seeds": 1700, "features": 1024}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    flags = parser.parse_args()
    start = time.perf_counter()
    rows = sweep(flags)
    (flags.out / "layers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    json.dump({"layers": flags.layers, "seconds": round(time.perf_counter() - start, 1)}, sys.stdout)
    print()


if __name__ == "__main__":
    main()
