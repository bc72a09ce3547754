"""The alignment engine only, at any sizes on any device: seconds, throughput, share of the product peak, memory.

Counted work is what the algebra needs, whatever the engine does: the products (of the seed, of the map, of the
similarity), 2 m n k each, without the decompositions. Bytes are the least that must move between memory and the cores
if the similarity stands in memory: each space read once per pair and setting, the similarity written once and read
twice (for the neighbourhoods, for the counts). The share of peak is that of the whole call, decompositions, counts and
copies included: a lower bound of what the products alone reach.
"""

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxalign.evaluation import candidates as candidates_module
from jaxalign.evaluation import pairs as pairs_module
from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.evaluation.rows import Rows
from jaxalign.retrieval import ranks_bfloat16
from jaxalign.runtime import clock as clock_module
from jaxalign.runtime import environment, peaks
from jaxalign.runtime.files import write_text
from jaxalign.runtime.log import LOGGER


class Work(NamedTuple):
    """What one call over all pairs must do at least."""

    flops: float
    bytes: float


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


def run(measured_options: KernelOptions, out_dir: str | Path | None = None) -> list[dict[str, Any]]:
    """Two rows per size; with `out_dir` also kernels.jsonl and figures/roofline.png.

    Stage `all` is one call for every pair and setting, stage `similarity` only the product and the ranks of one pair.
    The first call, which compiles, is counted separately from the `repeats` warm ones, whose median and extremes are
    given. `seconds` covers normalisation, maps and ranks of all ordered pairs in all settings, results on the host.
    """
    sizes, languages, settings, dtype, precision, memory_budget, candidates, repeats, seed = measured_options
    peak = peaks.peak_product(dtype)  # of float32 products, also for the faster mode
    bandwidth = peaks.copy_bandwidth()
    rows: list[dict[str, Any]] = []
    for train, test, features in sizes:
        LOGGER.info("kernels: measuring %d x %d x %d", train, test, features)
        spaces = planted(train + test, features, languages, seed)
        given = Rows(np.arange(train), np.arange(train, train + test))
        options = AlignmentOptions(
            settings=tuple(settings), candidates=candidates, memory_budget=memory_budget, precision=precision,
            best=False,
        )  # fmt: skip
        shared: dict[str, Any] = {"train": train, "test": test, "features": features, "languages": languages}
        shared |= {"candidates": candidates, "settings": ",".join(settings), "dtype": dtype, "precision": precision}
        measured = timed(partial(pairs_module.evaluate, spaces, given, options), repeats)
        work = least_work(train, test, features, languages, settings, candidates)
        ordered = languages * (languages - 1) * len(settings)
        roofs = rates(work, measured["seconds"], ordered, peak, bandwidth)
        rows.append({"stage": "all"} | shared | measured | roofs | environment.peak_memory())
        pool = train + test if candidates == "all" else test
        alone = similarity_stage(pool, features, memory_budget, repeats, precision)
        roofs = rates(least_work(0, pool, features, 2, ("before",)), alone["seconds"], 2, peak, bandwidth)
        rows.append({"stage": "similarity"} | shared | alone | roofs | environment.peak_memory())
    if out_dir is not None:
        write(rows, Path(out_dir))
    return rows


def timed(call: Callable[[], Any], repeats: int) -> dict[str, Any]:
    """Median, least and most seconds of warm calls; the first call, and the compilation in it, separately."""
    clock, seconds = clock_module.Clock(), []
    for _ in range(repeats + 1):
        start = perf_counter()
        with clock.phase("call"):
            call()
        seconds.append(perf_counter() - start)
    compiled = sum(row["seconds"] for row in clock.rows() if row["phase"] == "compile")
    warm = seconds[1:]
    return {
        "seconds": median(warm),
        "seconds_low": min(warm),
        "seconds_high": max(warm),
        "calls": repeats,
        "first_call_seconds": seconds[0],
        "compile_seconds": compiled,
    }


def similarity_stage(
    rows: int, features: int, memory_budget: int, repeats: int, precision: str = "highest"
) -> dict[str, Any]:
    """Seconds for the similarity of one pair and the ranks of all its rows and columns; bytes of its temporaries."""
    options = AlignmentOptions(memory_budget=memory_budget, precision=precision)
    padded, tiling = candidates_module.choose_tiling(rows, options, 1)
    spaces = planted(padded, features, 2, 0).values()
    source, target = (jnp.asarray(space / np.linalg.norm(space, axis=1, keepdims=True)) for space in spaces)
    answers = jnp.arange(padded, dtype=jnp.int32)
    buffer = jnp.zeros((padded, padded), jnp.float32) if tiling.keep else None
    start = perf_counter()
    lowered = ranks_bfloat16.ranker(tiling).lower(buffer, source, target, answers, answers, tiling=tiling, valid=rows)
    ranked = lowered.compile()
    compiled = perf_counter() - start
    seconds = []
    for _ in range(repeats + 1):
        start = perf_counter()
        buffer, *found = jax.block_until_ready(ranked(buffer, source, target, answers, answers))
        seconds.append(perf_counter() - start)
    memory = ranked.memory_analysis()
    return {
        "seconds": median(seconds[1:]),
        "seconds_low": min(seconds[1:]),
        "seconds_high": max(seconds[1:]),
        "calls": repeats,
        "first_call_seconds": compiled + seconds[0],
        "compile_seconds": compiled,
        "temporary_bytes": memory.temp_size_in_bytes if memory else None,
        "similarity_kept": tiling.keep,
    }


def least_work(
    train: int, test: int, features: int, languages: int, settings: Sequence[str], candidates: str = "test"
) -> Work:
    """Floating point operations of the products, and bytes, of every unordered pair in every setting."""
    pairs = languages * (languages - 1) // 2
    pool = train + test if candidates == "all" else test
    flops = moved = 0.0
    for setting in settings:
        fitted = {"before": 0, "after": train, "null": train}.get(setting, train + test)
        inner = min(features, fitted) if fitted else features
        flops += 2 * pool**2 * inner
        if fitted:
            flops += 2 * min(fitted, features) ** 2 * fitted + 2 * 2 * pool * features * inner
        moved += 4 * (2 * pool * features + 3 * pool**2)
    return Work(pairs * flops, pairs * moved)


def rates(work: Work, seconds: float, ordered_pairs: int, peak: float, bandwidth: float) -> dict[str, float | int]:
    """Throughputs of a call, `ordered_pairs` over all its settings, and the roofs they stand under."""
    gflops = work.flops / seconds / 1e9
    return {
        "pairs_per_second": ordered_pairs / seconds,
        "flops": work.flops,
        "bytes_moved": work.bytes,
        "gflops_per_second": gflops,
        "peak_gflops_per_second": peak,
        "peak_share": gflops / peak,
        "copy_bytes_per_second": bandwidth,
        "roof_seconds": max(work.flops / peak / 1e9, work.bytes / bandwidth),
    }


def planted(concepts: int, features: int, languages: int, seed: int) -> dict[str, np.ndarray]:
    """Spaces that share concepts up to a turn and noise, (concept, feature) float32, features of falling variance."""
    generator = np.random.default_rng(seed)
    spectrum = (np.arange(1, features + 1) ** -0.4).astype(np.float32)
    meaning = generator.standard_normal((concepts, features), np.float32) * spectrum
    spaces = {}
    for language in range(languages):
        own = generator.standard_normal((concepts, features), np.float32) * spectrum
        spaces[f"l{language}"] = (meaning + 0.7 * own + 0.5 * spectrum)[:, generator.permutation(features)]
    return spaces


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

    peak, bandwidth = rows[0]["peak_gflops_per_second"], rows[0]["copy_bytes_per_second"] / 1e9
    found = [row["flops"] / row["bytes_moved"] for row in rows]
    intensity = np.geomspace(min(1.0, *found) / 2, 4 * max(*found, peak / bandwidth), 200)
    panel, axis = plt.subplots(figsize=(6, 4), layout="constrained")
    axis.plot(intensity, np.minimum(peak, intensity * bandwidth), color="#444444")
    axis.text(intensity[-1], peak, f"product peak, {peak:,.0f} GFLOP/s measured", ha="right", va="bottom", fontsize=8)
    for row, x in zip(rows, found, strict=True):
        axis.plot(x, row["gflops_per_second"], "o", color="#d95f02" if row["stage"] == "all" else "#1b6ca8")
        label = f"{row['stage']} {row['train']}, {row['test']}, d {row['features']}: {100 * row['peak_share']:.0f} %"
        axis.annotate(label, (x, row["gflops_per_second"]), xytext=(6, -10), textcoords="offset points", fontsize=8)
    axis.set(xscale="log", yscale="log", xlabel="operations per byte (least)", ylabel="GFLOP/s of products")
    axis.spines[["top", "right"]].set_visible(False)
    panel.savefig(path, dpi=120)
    plt.close(panel)
