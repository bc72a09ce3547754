"""Measured peaks of a device: matrix products and copies, the two roofs under which every kernel stands.

The gain of bfloat16 is measured here as well: the faster mode (`retrieval.ranks_bfloat16`) replaces each float32
product of a similarity by a bfloat16 one of three times the width, and computes the cells in doubt again.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

LEAST_GAIN = 2.0  # the faster mode is taken from this gain of the products on: listing cells in doubt takes time too
_FEATURES = 512  # of the products that are compared
# Rows of each side of them. On an accelerator of 60 TFLOP/s in float32 the product takes 1 ms then, far more than it
# takes to start one; on two cores of a CPU with AMX the whole comparison takes 0.3 s.
_ROWS = 8192
_ROWS_ON_CPU = 2048


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
    """How many times as fast as a float32 product a bfloat16 product of three times its width is.

    The products are written as the kernels write them: a CPU's compiler turns a bfloat16 product with a transposed
    array (`rows.T`) into a float32 one.
    """
    import jax
    import jax.numpy as jnp

    count = _ROWS_ON_CPU if jax.default_backend() == "cpu" else _ROWS

    def seconds(features: int, dtype: str, precision: str) -> float:
        by_rows = (((1,), (1,)), ((), ()))
        product = jax.jit(partial(jax.lax.dot_general, dimension_numbers=by_rows, precision=precision,
                                  preferred_element_type=jnp.float32))  # fmt: skip
        rows, columns = (jnp.ones((count, features), dtype) for _ in range(2))
        return _best_seconds(lambda: product(rows, columns).block_until_ready(), repeats=2)

    return seconds(_FEATURES, "float32", "highest") / seconds(3 * _FEATURES, "bfloat16", "default")


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
