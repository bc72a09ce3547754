"""What a timed call does at least, how long it takes, and the synthetic spaces that it is timed on."""

from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from jaxalign.runtime import clock as clock_module


class Work(NamedTuple):
    """What one call must do at least: floating point operations of products; bytes between memory and cores."""

    flops: float
    bytes: float


class Roofs(NamedTuple):
    """Measured peaks of a device: products in GFLOP/s, copies in bytes per second."""

    product: float
    copy: float


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


def rates(work: Work, seconds: float, ordered_pairs: int, roofs: Roofs) -> dict[str, float | int]:
    """Throughputs of a call, `ordered_pairs` over all its settings, and the roofs they stand under."""
    gflops = work.flops / seconds / 1e9
    return {
        "pairs_per_second": ordered_pairs / seconds,
        "flops": work.flops,
        "bytes_moved": work.bytes,
        "gflops_per_second": gflops,
        "peak_gflops_per_second": roofs.product,
        "peak_share": gflops / roofs.product,
        "copy_bytes_per_second": roofs.copy,
        "roof_seconds": max(work.flops / roofs.product / 1e9, work.bytes / roofs.copy),
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
