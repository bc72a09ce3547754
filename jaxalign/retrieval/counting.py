"""The rank of a right answer is a count: 1 + the candidates that score strictly higher. Nothing is sorted."""

from functools import reduce
from typing import NamedTuple

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int


class Ranked(NamedTuple):
    """Per query: rank from 1, row of the best candidate, candidates that score exactly as the right answer."""

    rank: Int[Array, " query"]
    best: Int[Array, " query"]
    ties: Int[Array, " query"]


def count_above(scores: Float[Array, "row column"], right: Float[Array, "..."], axis: int) -> Int[Array, " query"]:
    """How many candidates along `axis` score strictly higher than the right answer of each query."""
    return (scores > right).sum(axis, dtype=jnp.int32)


def count_equal(scores: Float[Array, "row column"], right: Float[Array, "..."], axis: int) -> Int[Array, " query"]:
    """How many candidates along `axis`, the right answer among them, score exactly as the right answer."""
    return (scores == right).sum(axis, dtype=jnp.int32)


def best_of_rows(scores: Float[Array, "query candidate"]) -> Int[Array, " query"]:
    """Column of the highest score of each row; of equal ones the first."""
    columns = scores.shape[1]
    highest = scores.max(1, keepdims=True)
    return jnp.where(scores == highest, jnp.arange(columns, dtype=jnp.int32), columns).min(1)


def highest_of(values: Array, axis: int) -> Array:
    """The maximum over a short axis that is not the last; a reduction over it would not be vectorised on a CPU."""
    return reduce(jnp.maximum, (lax.index_in_dim(values, i, axis, keepdims=False) for i in range(values.shape[axis])))


def bounded(penalty: Float[Array, " candidate"]) -> Float[Array, " candidate"]:
    """The penalty, unchanged.

    Bounds that never bind keep a compiler from fusing the product that made it into `similarity - penalty` with one
    rounding in one place and two in another, which lets the right answer outrank itself.
    """
    return jnp.clip(penalty, -8, 8)
