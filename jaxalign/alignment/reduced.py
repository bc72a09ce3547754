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

from jaxalign.alignment import procrustes
from jaxalign.alignment.completion import identity_map, matmul
from jaxalign.alignment.procrustes import unit_rows


class Frame(NamedTuple):
    """One language under one set of seed rows."""

    factor: Float[Array, "seed basis"] | None  # none for `before`
    pool: Float[Array, "row basis"]  # unit rows; padded with zeros
    span: Float[Array, "feature basis"] | None = None  # Q, where it is not the identity and the completion needs it
    whole: Float[Array, "row feature"] | None = None  # unit rows in all features, likewise


def is_thin(seeds: int, features: int, completion: procrustes.Completion) -> bool:
    """Whether a QR factorisation pays; at 1000 seeds of 1024 features it cost 0.8 s and saved 0.3."""
    return seeds <= 0.75 * features and completion != "arbitrary"


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
    seeds = vectors[rows]
    if not thin:
        return Frame(seeds, pool)
    span, factor = jnp.linalg.qr(seeds.T)
    inside = unit_rows(matmul(pool, span))
    return Frame(factor.T, inside, span, pool) if identity else Frame(factor.T, inside)


@partial(jax.jit, static_argnames=("method", "completion", "tolerance"))
def fit(
    first: Frame,
    second: Frame,
    columns: Int[Array, " seed"] | None,
    columns_second: Int[Array, " seed"] | None,
    method: str,
    completion: procrustes.Completion,
    tolerance: float,
) -> tuple[Float[Array, "row basis"], Float[Array, "row basis"]]:
    """Two factors with unit rows whose product holds the cosines of the pair after the fit.

    Seed `columns[n]` of the first is paired with `columns_second[n]` of the second, without them in their order.
    Under `drop` the cosine is that of what the two vectors have inside the fitted subspaces.
    """
    assert first.factor is not None and second.factor is not None
    one = first.factor if columns is None else first.factor[columns]
    other = second.factor if columns_second is None else second.factor[columns_second]
    product = matmul(one.T, other)
    if completion == "arbitrary":
        left, _, right = jnp.linalg.svd(product)
        return matmul(first.pool, matmul(left, right)), second.pool
    solve = procrustes.polar_bases if method == "polar" and len(one) >= len(product) else procrustes.bases
    left, right, complete = solve(product, tolerance, min(len(one), len(product)))

    def turned():
        return matmul(first.pool, matmul(left, right.T)), second.pool

    def inside():
        return unit_rows(matmul(first.pool, left)), unit_rows(matmul(second.pool, right))

    def completed():
        if first.span is None or second.span is None or first.whole is None or second.whole is None:
            return unit_rows(identity_map(first.pool, left, right)), second.pool
        over, under = matmul(first.span, left), matmul(second.span, right)
        return unit_rows(identity_map(first.whole, over, under)), second.whole

    if completion == "identity":
        square = left.shape[0] == left.shape[1] and first.span is None
        return lax.cond(complete, turned, completed) if square else completed()
    return lax.cond(complete, turned, inside) if left.shape[0] == left.shape[1] else inside()
