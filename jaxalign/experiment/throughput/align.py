"""The alignment engine only, at any sizes on any device: seconds, throughput, share of the product peak, memory.

Counted work is what the algebra needs, whatever the engine does: the products (of the seed, of the map, of the
similarity), 2 m n k each, without the decompositions. Bytes are the least that must move between memory and the cores
if the similarity stands in memory: each space read once per pair and setting, the similarity written once and read
twice (for the neighbourhoods, for the counts). The share of peak is that of the whole call, decompositions, counts and
copies included: a lower bound of what the products alone reach.
"""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxalign.evaluation import pairs as pairs_module
from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.evaluation.rows import Rows
from jaxalign.experiment.throughput import stages, table
from jaxalign.experiment.throughput.work import Roofs, Work, planted, rates, timed
from jaxalign.runtime import environment, peaks
from jaxalign.runtime.files import write_text
from jaxalign.runtime.log import LOGGER


class KernelOptions(NamedTuple):
    """What is measured: sizes (train, test, feature), and how the engine is asked for each of them."""

    sizes: Sequence[tuple[int, int, int]]
    languages: int = 7
    settings: Sequence[str] = ("before", "after")
    dtype: str = "float32"
    precision: str = "highest"
    memory_budget: int = 4 << 30
    candidates: str = "test"
    repeats: int = 5
    seed: int = 0


def run(asked: KernelOptions, out_dir: str | Path | None = None) -> list[dict[str, Any]]:
    """One row per size for the whole engine and one per stage; with `out_dir` also kernels.jsonl and the roofline.

    Stage `all` is one call for every pair and setting, the others are the steps of one pair (see `stages`). The first
    call, which compiles, is counted separately from the `repeats` warm ones, whose median and extremes are given.
    `seconds` of `all` covers normalisation, maps and ranks of all ordered pairs in all settings, results on the host.
    """
    # The product peak is that of float32 products, also for the faster mode.
    roofs = Roofs(peaks.peak_product(asked.dtype), peaks.copy_bandwidth())
    rows: list[dict[str, Any]] = []
    for train, test, features in asked.sizes:
        LOGGER.info("kernels: measuring %d x %d x %d", train, test, features)
        options = AlignmentOptions(
            settings=tuple(asked.settings), candidates=asked.candidates, memory_budget=asked.memory_budget,
            precision=asked.precision, best=False,
        )  # fmt: skip
        shared: dict[str, Any] = {"train": train, "test": test, "features": features, "languages": asked.languages}
        shared |= {"candidates": asked.candidates, "settings": ",".join(asked.settings)}
        shared |= {"dtype": asked.dtype, "precision": asked.precision, "schema": table.SCHEMA}
        spaces = planted(train + test, features, asked.languages, asked.seed)
        given = Rows(np.arange(train), np.arange(train, train + test))
        measured = timed(partial(pairs_module.evaluate, spaces, given, options), asked.repeats)
        del spaces
        work = least_work(asked, train, test, features)
        ordered = asked.languages * (asked.languages - 1) * len(asked.settings)
        found = rates(work, measured["seconds"], ordered, roofs)
        rows.append({"stage": "all"} | shared | measured | found | environment.peak_memory())
        pool = train + test if asked.candidates == "all" else test
        for stage in stages.stages(train, pool, features, options):
            measured = stages.measured(stage, asked.repeats)
            found = rates(stage.work, measured["seconds"], stages.ORDERED_PAIRS[stage.name], roofs)
            rows.append({"stage": stage.name} | shared | measured | found | environment.peak_memory())
    if out_dir is not None:
        write(rows, Path(out_dir))
    return rows


def least_work(asked: KernelOptions, train: int, test: int, features: int) -> Work:
    """Floating point operations of the products, and bytes, of every unordered pair in every setting."""
    pairs = asked.languages * (asked.languages - 1) // 2
    pool = train + test if asked.candidates == "all" else test
    flops = moved = 0.0
    for setting in asked.settings:
        fitted = train + test if setting.startswith("ceiling") else 0 if setting == "before" else train
        inner = min(features, fitted) if fitted else features
        flops += 2 * pool**2 * inner
        if fitted:
            flops += 2 * min(fitted, features) ** 2 * fitted + 2 * 2 * pool * features * inner
        moved += 4 * (2 * pool * features + 3 * pool**2)
    return Work(pairs * flops, pairs * moved)


def write(rows: Sequence[dict[str, Any]], folder: Path) -> None:
    """Writes kernels.jsonl and figures/roofline.png into a run's folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "figures").mkdir(exist_ok=True)
    write_text(folder / "kernels.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    roofline(rows, folder / "figures" / "roofline.png")


def roofline(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Draws each size under the device's measured roofs: operations per byte against operations per second."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    shown = [row for row in rows if row["flops"]]  # penalties and count have no products
    peak, bandwidth = rows[0]["peak_gflops_per_second"], rows[0]["copy_bytes_per_second"] / 1e9
    found = [row["flops"] / row["bytes_moved"] for row in shown]
    intensity = np.geomspace(min(1.0, *found) / 2, 4 * max(*found, peak / bandwidth), 200)
    panel, axis = plt.subplots(figsize=(7, 4.5), layout="constrained")
    axis.plot(intensity, np.minimum(peak, intensity * bandwidth), color="#444444")
    axis.text(intensity[-1], peak, f"product peak, {peak:,.0f} GFLOP/s measured", ha="right", va="bottom", fontsize=8)
    for row, x in zip(shown, found, strict=True):
        axis.plot(x, row["gflops_per_second"], "o", color="#d95f02" if row["stage"] == "all" else "#1b6ca8")
        label = f"{row['stage']} {row['train']}, {row['test']}, d {row['features']}: {100 * row['peak_share']:.0f} %"
        axis.annotate(label, (x, row["gflops_per_second"]), xytext=(6, -10), textcoords="offset points", fontsize=7)
    axis.set(xscale="log", yscale="log", xlabel="operations per byte (least)", ylabel="GFLOP/s of products")
    axis.spines[["top", "right"]].set_visible(False)
    panel.savefig(path, dpi=120)
    plt.close(panel)
