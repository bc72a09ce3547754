"""Measured peaks of a device: matrix products and copies, the two roofs under which every kernel stands.

The gain of bfloat16 is measured here as well: the faster mode (`retrieval.ranks_bfloat16`) replaces each float32
product of a similarity by a bfloat16 one of three times the width, and computes the cells in doubt again.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

LEAST_GAIN = 2.0  # the faster mode is taken from this gain of the products on: listing cells in doubt takes time too
_ROWS, _FEATURES = 2048, 512  # of each side of the products that are compared: 0.23 s on two cores


def peak_product(
    dtype: str = "float32",
    precision: str = "highest",
    device: Any = None,
    repeats: int = 5,
    least_seconds: float = 0.05,
) -> float:
    """Measured peak of square matrix products on one device, GFLOP/s: the best of `repeats` warm calls of any side.

    The side doubles from 1,024 until a product takes `least_seconds`, so that one function serves a laptop and an
    accelerator; on a CPU the small one may be the fastest (bfloat16, Zen 4: 398 GFLOP/s at 1,024, 345 at 4,096). The
    product is written as float32: into bfloat16 a CPU with bfloat16 instructions reaches half of it.
    """
    import jax
    import jax.numpy as jnp

    device = jax.local_devices()[0] if device is None else device
    product = jax.jit(partial(jnp.matmul, precision=precision, preferred_element_type=jnp.float32))
    best = 0.0
    for side in (1024, 2048, 4096, 8192, 16384):
        with jax.default_device(device):
            left = jax.random.normal(jax.random.key(0), (side, side), dtype)
            right = jax.random.normal(jax.random.key(1), (side, side), dtype)
        seconds = _best_seconds(lambda: product(left, right).block_until_ready(), repeats)  # noqa: B023
        best = max(best, 2 * side**3 / seconds / 1e9)
        if seconds > least_seconds:
            break
    return best


def copy_bandwidth(megabytes: int = 256, repeats: int = 5) -> float:
    """Measured bytes per second of reading and writing a large array on the first device.

    It is written in place: new memory costs page faults, which gave 8 GB/s on a CPU that copies 57 to 105.
    """
    import jax
    import jax.numpy as jnp

    kept = [jnp.zeros(megabytes * 2**18, jnp.float32)]
    step = jax.jit(lambda array: array + 1, donate_argnums=0)

    def call() -> None:
        kept[0] = step(kept[0]).block_until_ready()

    return 2 * kept[0].nbytes / _best_seconds(call, repeats)


def bfloat16_gain() -> float:
    """How many times as fast as a float32 product a bfloat16 product of three times its width is."""
    import jax
    import jax.numpy as jnp

    exact = jax.jit(lambda rows: jnp.matmul(rows, rows.T, precision="highest"))
    fast = jax.jit(lambda rows: jnp.matmul(rows, rows.T, preferred_element_type=jnp.float32))
    whole, parts = jnp.ones((_ROWS, _FEATURES), jnp.float32), jnp.ones((_ROWS, 3 * _FEATURES), jnp.bfloat16)
    seconds = _best_seconds(lambda: exact(whole).block_until_ready(), repeats=2)
    return seconds / _best_seconds(lambda: fast(parts).block_until_ready(), repeats=2)


def precision_for(gain: float) -> str:
    """The precision that `auto` stands for where bfloat16 gains so much."""
    return "fast" if gain >= LEAST_GAIN else "highest"


def _best_seconds(call: Callable[[], Any], repeats: int) -> float:
    """Least seconds of `repeats` calls after one that compiles and warms up."""
    call()
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best
