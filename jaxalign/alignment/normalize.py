"""Steps before a map is fitted: rows of unit length, a mean of zero, numbers that float32 can square.

Steps in order as in Artetxe et al. 2016 (unit, center, unit).
"""

from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxalign.types import InputError

STEPS = ("unit", "center")


def parse_steps(steps: Sequence[str]) -> tuple[str, ...]:
    """The steps as a tuple, `none` as no step; InputError names an unknown one."""
    if tuple(steps) == ("none",):
        return ()
    for step in steps:
        if step not in STEPS:
            raise InputError(f"Expected normalisation steps among {', '.join(STEPS)}, got {step!r}. Fix --normalize.")
    return tuple(steps)


def unit_rows(vectors: Float[Array, "*batch row feature"]) -> Float[Array, "*batch row feature"]:
    """Rows of length one; a row of zeros stays zero."""
    length = jnp.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / jnp.where(length > 0, length, 1)


@partial(jax.jit, static_argnames="steps")
def normalize(vectors: Float[Array, "concept feature"], steps: tuple[str, ...]) -> Float[Array, "concept feature"]:
    """The space after `steps` in order: `unit` scales rows to length one, `center` subtracts the mean of all rows.

    The mean is over every row of the space, test rows included, as MUSE and vecmap take it over the whole vocabulary.
    """
    for step in steps:
        vectors = unit_rows(vectors) if step == "unit" else vectors - vectors.mean(0)
    return vectors


def normalized(
    vectors: Float[np.ndarray, "concept feature"], steps: tuple[str, ...]
) -> Float[Array, "concept feature"]:
    """`normalize` of a space with numbers of any size, in float32."""
    return normalize(jnp.asarray(rescale_to_float32(vectors, steps), jnp.float32), steps)


def rescale_to_float32(
    vectors: Float[np.ndarray, "concept feature"], steps: Sequence[str]
) -> Float[np.ndarray, "concept feature"]:
    """The space with numbers whose squares neither overflow float32 nor vanish in it: scaled by powers of two.

    Exact, and no rank depends on it: a map and a cosine ignore a factor that all rows share, and, where `unit` is the
    first step, also a factor of each row. A space of the usual size is returned as it is.
    """
    vectors = np.asarray(vectors)
    largest = np.maximum(vectors.max(axis=1, keepdims=True), -vectors.min(axis=1, keepdims=True))
    positive = largest[largest > 0]
    if not positive.size or 2.0**-40 < positive.min() and positive.max() < 2.0**40:
        return vectors
    if tuple(steps[:1]) != ("unit",):
        largest = largest.max(keepdims=True)
    return np.ldexp(np.asarray(vectors, np.float64), -np.frexp(largest)[1]).astype(np.float32)


def first_equal_rows(vectors: Float[np.ndarray, "row feature"]) -> Int[np.ndarray, " row"]:
    """For each row the first one that equals it.

    A product by a library may round equal rows differently, by their place in it (OpenBLAS on Zen 5 does). Rows that
    were equal before a product are made equal after it by `product[first_equal_rows(vectors)]`, so that they tie.
    """
    rows = np.ascontiguousarray(vectors) + 0.0  # -0 equals 0
    keys = rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1])))[:, 0]
    _, first, group = np.unique(keys, return_index=True, return_inverse=True)
    return first[group]


def is_constant(vectors: Float[np.ndarray, "concept feature"], steps: Sequence[str]) -> bool:
    """Whether all rows are equal to within rounding: one vector, or, unless `center` comes first, one direction."""
    by_direction = tuple(steps[:1]) != ("center",)
    for rows in (vectors[:20], vectors):  # the first few rows decide for most spaces
        if not np.isfinite(rows).all():
            return False
        rows = rescale_to_float32(rows, ("unit",) if by_direction else ())
        if by_direction:
            length = np.linalg.norm(rows, axis=1, keepdims=True)
            rows = rows / np.where(length > 0, length, 1)
        if np.abs(rows - rows[0]).max() > 2e-6 * max(np.abs(rows).max(), np.finfo(np.float32).tiny):
            return False
    return True
