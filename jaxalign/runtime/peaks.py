"""Measured peaks of a device: matrix products and copies, the two roofs under which every kernel stands."""

import time
from collections.abc import Callable
from typing import Any


def peak_product(dtype: str = "float32", precision: str = "highest", device: Any = None, repeats: int = 5) -> float:
    """Measured peak of a square matrix product on one device, GFLOP/s: the best of `repeats` warm calls.

    The side doubles from 1,024 until a product takes 50 ms, so that one function serves a laptop and an accelerator.
    """
    import jax
    import jax.numpy as jnp

    device = jax.local_devices()[0] if device is None else device
    product = jax.jit(lambda left, right: jnp.matmul(left, right, precision=precision))
    for side in (1024, 2048, 4096, 8192, 16384):
        with jax.default_device(device):
            left = jax.random.normal(jax.random.key(0), (side, side), dtype)
            right = jax.random.normal(jax.random.key(1), (side, side), dtype)
        seconds = _best_seconds(lambda: product(left, right).block_until_ready(), repeats)  # noqa: B023
        if seconds > 0.05:
            break
    return 2 * side**3 / seconds / 1e9


def copy_bandwidth(megabytes: int = 256, repeats: int = 5) -> float:
    """Measured bytes per second of reading and writing a large array on the first device."""
    import jax
    import jax.numpy as jnp

    cells = jnp.zeros(megabytes * 2**18, jnp.float32)
    step = jax.jit(lambda array: array + 1)
    return 2 * cells.nbytes / _best_seconds(lambda: step(cells).block_until_ready(), repeats)


def _best_seconds(call: Callable[[], Any], repeats: int) -> float:
    """Least seconds of `repeats` calls after one that compiles and warms up."""
    call()
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best
