"""Orthogonal Procrustes (Schoenemann 1966): the rotation that brings source rows nearest to target rows.

All products of float32 run at the highest precision, since a product in TF32 or bfloat16 moves ranks.

Where the seed dictionary says nothing, `completion` decides. With bases U, V (feature, rank) that the seed pairs up,
U V' is determined; on the rest, the orthogonal complements of U and V, the identity completion takes the rotation
nearest to the identity: the polar factor of (I - UU')(I - VV'). By the theory of two projections (Halmos 1969; Davis
and Kahan 1970, direct rotation) it differs from the identity only in the span of U and V, where it follows from the
principal angles between them: with U'V = A C B',

    W = I + U V' - U U' - (V - U U'V) B (I + C)^-1 (U A + V B)'
"""

from functools import partial
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float

from jaxalign.alignment.polar import polar
from jaxalign.alignment.products import matmul

Completion = Literal["drop", "identity", "arbitrary"]
Method = Literal["svd", "polar"]
COMPLETIONS = ("drop", "identity", "arbitrary")
MAPS = ("orthogonal", "least_squares", "ridge")
METHODS = ("auto", "svd", "polar")


class MapOptions(NamedTuple):
    """How the map of a pair is fitted; static, one compiled function each."""

    method: Method = "svd"
    completion: Completion = "drop"
    map: str = "orthogonal"  # or least_squares, ridge
    scale: bool = False
    translate: bool = False

    @property
    def is_directed(self) -> bool:
        """Whether the two directions of a pair need maps of their own."""
        return self.map != "orthogonal" or self.translate


class Bases(NamedTuple):
    """U and V whose product U V' is the map where it is determined; unused columns are zero."""

    left: Float[Array, "left rank"]
    right: Float[Array, "right rank"]
    complete: Bool[Array, ""]  # whether no column is unused


def method(name: str) -> Method:
    """`svd` or `polar`; `auto` is polar on accelerators, whose decompositions are slow and whose products are not."""
    if name == "auto":
        return "svd" if jax.default_backend() == "cpu" else "polar"
    return "polar" if name == "polar" else "svd"


def possible_completion(method: Method, completion: Completion) -> Completion:
    """`completion`, but `identity` for `arbitrary` by products: these leave nothing arbitrary, and any one will do."""
    return "identity" if (method, completion) == ("polar", "arbitrary") else completion


def rank_tolerance(seeds: int, features: int) -> float:
    """Singular values of source' target at or below this share of the largest count as zero.

    A float32 product of exactly dependent rows leaves values of a few epsilon; sqrt of the size is the growth of a
    sum of random roundings. max(n, d) * epsilon, usual elsewhere, would cut real directions of spaces with a large
    mean.
    """
    return float(np.finfo(np.float32).eps) * max(8.0, max(seeds, features) ** 0.5)


@partial(jax.jit, static_argnames=("method", "completion", "tolerance"), inline=True)  # else each eager call is traced
def fit(
    source: Float[Array, "seed left"],
    target: Float[Array, "seed right"],
    method: Method,
    completion: Completion,
    tolerance: float,
) -> Bases:
    """Bases of the map that best takes `source` to `target`: the polar factor of source' target.

    Singular values at or below `tolerance` of the largest count as zero. Under `arbitrary` the bases hold what the
    decomposition fills in, and are complete.
    """
    product = matmul(source.T, target)
    if method == "polar":
        return polar_bases(product, tolerance)
    if completion == "arbitrary":
        left, _, right = jnp.linalg.svd(product)
        return Bases(left, right.T, jnp.array(True))
    return svd_bases(product, tolerance, min(len(source), len(product)))


def svd_bases(product: Float[Array, "left right"], tolerance: float, most: int) -> Bases:
    """The bases from a decomposition; the rank is at most `most`."""
    left, values, right = jnp.linalg.svd(product, full_matrices=False)
    kept = values[:most] > tolerance * values[0]
    left, right = left[:, :most], right[:most].T
    zero = jnp.zeros((), product.dtype)
    # A product with `kept` in every case would copy both bases; most fits miss nothing.
    left, right = lax.cond(
        kept.all(), lambda: (left, right), lambda: (jnp.where(kept, left, zero), jnp.where(kept, right, zero))
    )
    return Bases(left, right, kept.all())


def polar_bases(product: Float[Array, "size size"], tolerance: float) -> Bases:
    """As `svd_bases`, by matrix products only: W and W'W, whose product is the partial isometry W."""
    factor = polar(product, tolerance)
    kept = matmul(factor.T, factor)
    return Bases(factor, kept, jnp.abs(kept - jnp.eye(len(kept), dtype=kept.dtype)).max() < 1e-4)


def identity_map(
    vectors: Float[Array, "row feature"],
    left: Float[Array, "feature rank"],
    right: Float[Array, "feature rank"],
    method: Method,
) -> Float[Array, "row feature"]:
    """`vectors @ W` for the map that pairs `left` with `right` and is as near to the identity as it can be elsewhere.

    Equals the limit of the polar factor of M + lambda I as lambda falls to 0. Columns of zeros in both bases are
    unused. Where a principal angle is exactly 90 degrees the limit itself is not unique.
    """
    inside, across = matmul(vectors, left), matmul(vectors, right)
    overlap = matmul(left.T, right)
    rest = across - matmul(inside, overlap)
    if method == "svd":
        angles_left, cosines, angles_right = jnp.linalg.svd(overlap)
        rest = matmul(rest, angles_right.T) / (1 + cosines)
        both = matmul(left, angles_left) + matmul(right, angles_right.T)
    else:  # B (1 + C)^-1 (U A + V B)' = (1 + H)^-1 (U Z + V)' with Z = A B' the polar factor of U'V and H = Z' U'V
        turn = polar(overlap, rank_tolerance(*overlap.shape))
        rest = matmul(rest, inverse_of_one_plus(matmul(turn.T, overlap)))
        both = matmul(left, turn) + right
    return vectors + matmul(inside, (right - left).T) - matmul(rest, both.T)


def inverse_of_one_plus(small: Float[Array, "size size"]) -> Float[Array, "size size"]:
    """(I + H)^-1 of a symmetric H with eigenvalues from 0 to 1, by six steps of Newton's iteration: to float32."""
    eye = jnp.eye(len(small), dtype=small.dtype)

    def improve(_: Array, inverse: Array) -> Array:
        return matmul(inverse, 2 * eye - inverse - matmul(small, inverse))

    return lax.fori_loop(0, 6, improve, 2 / 3 * eye)


@partial(jax.jit, static_argnames=("method", "completion"))
def rotation(
    source: Float[Array, "seed feature"],
    target: Float[Array, "seed feature"],
    method: Method = "svd",
    completion: Completion = "drop",
) -> Float[Array, "feature feature"]:
    """argmax of tr(W' source' target) over orthogonal W, where the seed determines it.

    Elsewhere `drop` leaves W zero (a partial isometry), `identity` breaks the tie by tr W (the limit of the solution
    for source' target + lambda I as lambda falls to 0), `arbitrary` keeps what the decomposition fills in. A
    reflection (determinant -1) is allowed.
    """
    completion = possible_completion(method, completion)
    left, right, _ = fit(source, target, method, completion, rank_tolerance(*source.shape))
    if completion == "identity":
        return identity_map(jnp.eye(source.shape[1], dtype=source.dtype), left, right, method)
    return matmul(left, right.T)
