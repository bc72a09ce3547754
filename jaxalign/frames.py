"""Each pair's similarity as a product of two factors, from what is computed once a language.

A Frame holds a language's seed rows A as a factor F with A' = Q F, and its pool in the same coordinates. With fewer
seeds than features Q, F is a thin QR factorisation and nothing larger than seeds x seeds is decomposed (factor 27 at
4096 features, 1000 seeds); else Q is the identity. The fit of a pair is the polar factor of F_i F_j', of which only U
and V with values above the rank tolerance count.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

from jaxalign import align
from jaxalign.align import unit_rows
from jaxalign.complete import identity_map, matmul


class Frame(NamedTuple):
    """One language under one set of seed rows."""

    factor: Float[Array, "basis seed"]
    pool: Float[Array, "row basis"]  # unit rows; padded with zeros
    span: Float[Array, "feature basis"] | None  # Q, where the features are more than the seeds
    whole: Float[Array, "row feature"] | None  # unit rows in all features, where the completion needs them


@partial(jax.jit, static_argnames="padded")
def pool_rows(
    vectors: Float[Array, "concept feature"], pool: Int[Array, " row"], padded: int
) -> Float[Array, "padded feature"]:
    """The candidates as unit rows, padded with zeros to `padded` rows."""
    rows = unit_rows(vectors[pool])
    return jnp.pad(rows, ((0, padded - len(rows)), (0, 0)))


@partial(jax.jit, static_argnames=("thin", "identity"))
def make_frame(
    vectors: Float[Array, "concept feature"],
    pool: Float[Array, "row feature"],
    rows: Int[Array, " seed"],
    thin: bool,
    identity: bool,
) -> Frame:
    """The Frame of one language for the seed rows `rows`."""
    seeds = vectors[rows].T
    if not thin:
        return Frame(seeds, pool, None, pool if identity else None)
    span, factor = jnp.linalg.qr(seeds)
    return Frame(factor, unit_rows(matmul(pool, span)), span if identity else None, pool if identity else None)


def lead(frame: Frame, size: int) -> Frame:
    """The Frame of the first `size` seeds: the leading part of the same factorisation."""
    factor = frame.factor[:size, :size]
    return Frame(
        factor, unit_rows(frame.pool[:, :size]), None if frame.span is None else frame.span[:, :size], frame.whole
    )


@partial(jax.jit, static_argnames=("method", "completion", "tolerance"))
def fit(
    first: Frame,
    second: Frame,
    columns: Int[Array, " seed"],
    columns_second: Int[Array, " seed"],
    method: str,
    completion: align.Completion,
    tolerance: float,
) -> tuple[Float[Array, "row basis"], Float[Array, "row basis"]]:
    """Two factors with unit rows whose product holds the cosines of the pair after the fit.

    Seed `columns[n]` of the first is paired with `columns_second[n]` of the second. Under `drop` the cosine is that
    of what the two vectors have inside the fitted subspaces.
    """
    product = matmul(first.factor[:, columns], second.factor[:, columns_second].T)
    if completion == "arbitrary":
        left, _, right = jnp.linalg.svd(product)
        return matmul(first.pool, matmul(left, right)), second.pool
    solve = align.polar_bases if method == "polar" else align.bases
    left, right, complete = solve(product, tolerance)

    def turned():
        return matmul(first.pool, matmul(left, right.T)), second.pool

    def dropped():
        return unit_rows(matmul(first.pool, left)), unit_rows(matmul(second.pool, right))

    def kept():
        over, under = (left, right) if first.span is None else (matmul(first.span, left), matmul(second.span, right))
        return unit_rows(identity_map(first.whole, over, under)), second.whole

    if completion == "drop":
        return lax.cond(complete, turned, dropped)
    return lax.cond(complete, turned, kept) if first.span is None else kept()
