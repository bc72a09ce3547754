"""Orthogonal Procrustes (Schoenemann 1966): the rotation that brings source rows nearest to target rows.

All products of float32 run at the highest precision, since a product in TF32 or bfloat16 moves ranks.

Where the seed dictionary says nothing, `completion` decides. With bases U, V (feature, rank) that the seed pairs up,
U V' is determined; on the rest, the orthogonal complements of U and V, the identity completion takes the rotation
nearest to the identity: the polar factor of (I - UU')(I - VV'). By the theory of two projections (Halmos 1969; Davis
and Kahan 1970, direct rotation) it differs from the identity only in the span of U and V, where it follows from the
principal angles between them: with U'V = A C B',

    W = I + U V' - U U' - (V - U U'V) B (I + C)^-1 (U A + V B)'
"""

from functools import cache, partial
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float

Completion = Literal["drop", "identity", "arbitrary"]
Method = Literal["svd", "polar"]
COMPLETIONS = ("drop", "identity", "arbitrary")
MAPS = ("orthogonal", "least_squares", "ridge")
METHODS = ("auto", "svd", "polar")

matmul = partial(jnp.matmul, precision=jax.lax.Precision.HIGHEST)


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


def rank_tolerance(seeds: int, features: int) -> float:
    """Singular values of source' target at or below this share of the largest count as zero.

    A float32 product of exactly dependent rows leaves values of a few epsilon; sqrt of the size is the growth of a
    sum of random roundings. max(n, d) * epsilon, usual elsewhere, would cut real directions of spaces with a large
    mean.
    """
    return float(np.finfo(np.float32).eps) * max(8.0, max(seeds, features) ** 0.5)


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
    if completion == "arbitrary":
        left, _, right = jnp.linalg.svd(product)
        return Bases(left, right.T, jnp.array(True))
    by_products = method == "polar" and len(source) >= len(product)
    return (polar_bases if by_products else svd_bases)(product, tolerance, min(len(source), len(product)))


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


def polar_bases(product: Float[Array, "size size"], tolerance: float, most: int) -> Bases:
    """As `svd_bases`, by matrix products where `product` has full rank; where it has not, by decomposition."""
    factor = polar(product)
    eye = jnp.eye(len(product), dtype=product.dtype)
    complete = jnp.abs(matmul(factor.T, factor) - eye).max() < 1e-4
    return lax.cond(complete, lambda: Bases(eye, factor.T, complete), lambda: svd_bases(product, tolerance, most))


@cache
def polar_steps(smallest: float = 1e-7) -> tuple[tuple[float, float, float], ...]:
    """Coefficients (a, b, c) of the odd quintics a x + b x^3 + c x^5 whose composition takes [smallest, 1] to 1.

    Each is the minimax approximation of 1 on the interval that the previous one left (Amsel et al. 2025, Polar
    Express), found by exchange of its four points of equal error; the last is the Taylor step 15/8, -10/8, 3/8, exact
    at 1.
    """
    low, high, steps = smallest, 1.0, []
    while 1 - low > 1e-3:
        points = np.array([low, low + 0.25 * (high - low), low + 0.75 * (high - low), high])
        for _ in range(60):
            system = np.stack([points, points**3, points**5, [1, -1, 1, -1]], axis=1)
            a, b, c, error = np.linalg.solve(system, np.ones(4))
            squares = np.sort(np.roots([5 * c, 3 * b, a]).real)
            points[1:3] = np.clip(np.sqrt(np.clip(squares, low**2, high**2)), low, high)
        steps.append((float(a), float(b), float(c)))
        low, high = 1 - abs(error), 1 + abs(error)
    return (*steps, (15 / 8, -10 / 8, 3 / 8), (15 / 8, -10 / 8, 3 / 8))


def polar(product: Float[Array, "size size"]) -> Float[Array, "size size"]:
    """The orthogonal polar factor of a matrix of full rank, by matrix products alone: for accelerators."""
    factor = product / jnp.maximum(jnp.linalg.norm(product), jnp.finfo(product.dtype).tiny)
    for a, b, c in polar_steps():
        gram = matmul(factor.T, factor)
        factor = a * factor + matmul(factor, b * gram + c * matmul(gram, gram))
    return factor


def identity_map(
    vectors: Float[Array, "row feature"], left: Float[Array, "feature rank"], right: Float[Array, "feature rank"]
) -> Float[Array, "row feature"]:
    """`vectors @ W` for the map that pairs `left` with `right` and is as near to the identity as it can be elsewhere.

    Equals the limit of the polar factor of M + lambda I as lambda falls to 0. Columns of zeros in both bases are
    unused. Where a principal angle is exactly 90 degrees the limit itself is not unique.
    """
    angles_left, cosines, angles_right = jnp.linalg.svd(matmul(left.T, right))
    inside, across = matmul(vectors, left), matmul(vectors, right)
    turned = matmul(across - matmul(inside, matmul(left.T, right)), angles_right.T) / (1 + cosines)
    both = matmul(left, angles_left) + matmul(right, angles_right.T)
    return vectors + matmul(inside, (right - left).T) - matmul(turned, both.T)


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
    left, right, _ = fit(source, target, method, completion, rank_tolerance(*source.shape))
    if completion == "identity":
        return identity_map(jnp.eye(source.shape[1], dtype=source.dtype), left, right)
    return matmul(left, right.T)
