"""Maps from one space into another: normalisation, orthogonal Procrustes, least squares.

Rows are concepts, a map is applied on the right: `source @ rotation` lies in the target's space. All products of
float32 run at the highest precision, since a product in TF32 or bf16 moves ranks.

Procrustes: Schoenemann 1966. Steps before the fit: Artetxe et al. 2016 (unit, center, unit).
"""

from collections.abc import Sequence
from functools import cache, partial
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float

from jaxalign.alignment.completion import identity_map, matmul
from jaxalign.types import InputError

Completion = Literal["drop", "identity", "arbitrary"]
COMPLETIONS = ("drop", "identity", "arbitrary")
METHODS = ("auto", "svd", "polar")
STEPS = ("unit", "center")


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


def method(name: str) -> str:
    """`svd` or `polar`; `auto` is polar on accelerators, whose decompositions are slow and whose products are not."""
    return name if name != "auto" else "svd" if jax.default_backend() == "cpu" else "polar"


def rank_tolerance(seeds: int, features: int) -> float:
    """Singular values of source' target at or below this share of the largest count as zero.

    A float32 product of exactly dependent rows leaves values of a few epsilon; sqrt of the size is the growth of a
    sum of random roundings. max(n, d) * epsilon, usual elsewhere, would cut real directions of spaces with a large
    mean.
    """
    return float(np.finfo(np.float32).eps) * max(8.0, max(seeds, features) ** 0.5)


def bases(
    product: Float[Array, "left right"], tolerance: float, most: int
) -> tuple[Float[Array, "left rank"], Float[Array, "right rank"], Bool[Array, ""]]:
    """(U, V, whether none is missing): U V' is the polar factor of `product` where that is determined.

    The rank is at most `most`. Columns of U and V whose singular value is at most `tolerance` of the largest are
    zero: a partial isometry is left.
    """
    left, values, right = jnp.linalg.svd(product, full_matrices=False)
    kept = values[:most] > tolerance * values[0]
    left, right = left[:, :most], right[:most].T
    none = jnp.zeros((), product.dtype)
    # A product with `kept` in every case would copy both bases; most fits miss nothing.
    left, right = lax.cond(
        kept.all(), lambda: (left, right), lambda: (jnp.where(kept, left, none), jnp.where(kept, right, none))
    )
    return left, right, kept.all()


def polar_bases(
    product: Float[Array, "size size"], tolerance: float, most: int
) -> tuple[Float[Array, "size rank"], Float[Array, "size rank"], Bool[Array, ""]]:
    """As `bases`, by matrix products where `product` has full rank; where it has not, by decomposition."""
    factor = polar(product)
    eye = jnp.eye(len(product), dtype=product.dtype)
    complete = jnp.abs(matmul(factor.T, factor) - eye).max() < 1e-4
    return lax.cond(complete, lambda: (eye, factor.T, complete), lambda: bases(product, tolerance, most))


@cache
def polar_steps(smallest: float = 1e-7) -> tuple[tuple[float, float, float], ...]:
    """Coefficients (a, b, c) of the odd quintics a x + b x^3 + c x^5 whose composition takes [smallest, 1] to 1.

    Each is the minimax approximation of 1 on the interval that the one before left (Amsel et al. 2025, Polar
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


def check_steps(steps: Sequence[str]) -> tuple[str, ...]:
    """The steps as a tuple; InputError names an unknown one."""
    for step in steps:
        if step not in STEPS:
            raise InputError(f"Expected normalisation steps among {', '.join(STEPS)}, got {step!r}. Mend --normalize.")
    return tuple(steps)


@partial(jax.jit, static_argnames=("method", "completion"))
def rotation(
    source: Float[Array, "seed feature"],
    target: Float[Array, "seed feature"],
    method: str = "svd",
    completion: Completion = "drop",
) -> Float[Array, "feature feature"]:
    """argmax of tr(W' source' target) over orthogonal W, where the seed determines it.

    Elsewhere `drop` leaves W zero (a partial isometry), `identity` breaks the tie by tr W (the limit of the solution
    for source' target + lambda I as lambda falls to 0), `arbitrary` keeps what the decomposition fills in. A
    reflection (determinant -1) is allowed.
    """
    product = matmul(source.T, target)
    if completion == "arbitrary":
        left, _, right = jnp.linalg.svd(product)
        return matmul(left, right)
    solve = polar_bases if method == "polar" and len(source) >= len(product) else bases
    left, right, _ = solve(product, rank_tolerance(*source.shape), min(source.shape))
    if completion == "identity":
        return identity_map(jnp.eye(len(product), dtype=product.dtype), left, right)
    return matmul(left, right.T)


def least_squares(
    source: Float[Array, "seed feature"], target: Float[Array, "seed feature"], ridge: float = 0.0
) -> Float[Array, "feature feature"]:
    """argmin of |source W - target|^2 + ridge * m |W|^2, m the mean of diag(source' source); the shortest such W."""
    if not ridge:
        return jnp.linalg.lstsq(source, target)[0]
    gram = matmul(source.T, source)
    gram = gram + ridge * jnp.trace(gram) / len(gram) * jnp.eye(len(gram), dtype=gram.dtype)
    return jax.scipy.linalg.solve(gram, matmul(source.T, target), assume_a="pos")
