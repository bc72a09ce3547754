"""Positions that are no rotation: ALiBi, T5's relative buckets, sinusoids."""

import math

import jax
import jax.numpy as jnp
import numpy as np

from jaxalign.models.config import Config


def alibi_slopes(heads: int) -> np.ndarray:
    """Returns the slope of each head, (head,) float32 (Press et al. 2022, arXiv:2108.12409).

    For n = 2^k heads 2^(-8 i / n), i = 1 ... n; other counts take those of the power of two below, then every second
    slope of the power of two above.
    """
    below = 2 ** math.floor(math.log2(heads))
    slopes = _powers(below, np.arange(1, below + 1))
    return np.concatenate([slopes, _powers(2 * below, np.arange(1, 2 * (heads - below), 2))])


def _powers(heads: int, exponents: np.ndarray) -> np.ndarray:
    # The base is rounded to float32 before it is raised, as in the code BLOOM was trained with.
    return (np.float64(np.float32(2.0 ** (-8.0 / heads))) ** exponents).astype(np.float32)


def alibi(heads: int, positions: jax.Array) -> jax.Array:
    """Returns slope times position of the key, (row, head, 1, slot); softmax forgets the query's own position."""
    return jnp.asarray(alibi_slopes(heads))[None, :, None, None] * positions.astype(jnp.float32)[:, None, None, :]


def bucket_of(distance: np.ndarray, buckets: int, farthest: int) -> np.ndarray:
    """Returns T5's bucket of each distance, slot minus query (Raffel et al. 2020, arXiv:1910.10683).

    Half of the buckets are for slots after the query. Of each half, the first half is exact and the rest logarithmic up
    to `farthest`; logarithms in float32, which decides where a bucket ends.
    """
    half = buckets // 2
    exact = half // 2
    size = np.abs(distance)
    ratio = np.log(np.maximum(size, 1).astype(np.float32) / np.float32(exact)) / np.float32(math.log(farthest / exact))
    far = exact + (ratio * np.float32(half - exact)).astype(np.int32)
    return np.where(distance > 0, half, 0) + np.where(size < exact, size, np.minimum(far, half - 1))


def bucket_bias(config: Config, table: jax.Array, distance: jax.Array) -> jax.Array:
    """Returns the bias (row, head, query, slot) float32; `table` (bucket, head), `distance` (row, query, slot).

    On a TPU as a product with zeros and ones, which gives the same numbers: with a gather the compiler for a v5e takes
    36 s in place of 18 to 24 for mT0-large, and its program has half as many temporaries again.
    """
    farthest = config.bucket_distance
    known = jnp.asarray(bucket_of(np.arange(-farthest, farthest + 1), config.buckets, farthest), jnp.int32)
    place = jnp.clip(distance, -farthest, farthest) + farthest
    return jax.lax.platform_dependent(table, known, place, tpu=bias_by_product, default=bias_by_gather)


def bias_by_gather(table: jax.Array, known: jax.Array, place: jax.Array) -> jax.Array:
    """Returns (row, head, query, slot) float32: the bias of the bucket `known` of each distance, by its `place`."""
    return jnp.moveaxis(table[known].astype(jnp.float32).T[:, place], 0, 1)


def bias_by_product(table: jax.Array, known: jax.Array, place: jax.Array) -> jax.Array:
    """Returns what `bias_by_gather` returns, bit by bit."""
    is_bucket = jax.nn.one_hot(known[place], len(table), dtype=table.dtype)
    return jnp.einsum(
        "rqsb,bh->rhqs", is_bucket, table, precision=jax.lax.Precision.HIGHEST, preferred_element_type=jnp.float32
    )


def sinusoid(positions: jax.Array, width: int) -> jax.Array:
    """Returns (row, slot, feature) float32, sines in the first half of the features and cosines in the second.

    Wave i turns 10000^(-i / (width / 2 - 1)) radians a position, as tensor2tensor and fairseq have it.
    """
    half = width // 2
    step = np.float32(-math.log(10000) / (half - 1))
    waves = np.exp((np.arange(half, dtype=np.float32) * step).astype(np.float64)).astype(np.float32)
    angles = positions.astype(jnp.float32)[..., None] * jnp.asarray(waves)
    return jnp.concatenate([jnp.sin(angles), jnp.cos(angles)], axis=-1)
