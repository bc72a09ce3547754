"""The polar factor by matrix products: for accelerators, whose decompositions are slow and compile slowly.

On a TPU a program with an SVD of 1,024 x 1,024 compiles for minutes; the iteration here is two loops over products.
The singular values of a matrix are taken to 1 where they are above a tolerance and to 0 where they are below, so that a
matrix without full rank gives a partial isometry, as a decomposition does whose small values are left out.
"""

from functools import cache
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from jaxalign.alignment.products import matmul

SQUARINGS = 5  # of the Gram matrix: its bound of the largest singular value is then at most size^(1/64) too large
DECISIONS = 4  # steps that push values to 0 or 1; after them 0.8 and 1.25 of the tolerance are 0.001 and 1 - 1e-5
CUSHION = 0.1  # least ratio of the ends of an interval that a step is made for
MARGIN = 1.01
THRESHOLD = 0.6115  # values below it go to 0 in these steps, above it to 1

Coefficients = tuple[tuple[float, float, float], ...]


class Schedule(NamedTuple):
    """Quintics a x + b x^3 + c x^5, and the scale at which they take the tolerance to THRESHOLD."""

    scale: float
    coefficients: Coefficients


@cache
def minimax_steps(smallest: float) -> Coefficients:
    """Coefficients (a, b, c) of the odd quintics whose composition takes [smallest, 1] to 1 within 1e-3.

    Each is the minimax approximation of 1 on the interval that the previous one left (Amsel et al. 2025, Polar
    Express), found by exchange of its four points of equal error. An interval that begins below CUSHION of its end is
    taken from there: the exact minimax quintic swings so far that it sends some values near the end almost to 0, whose
    directions then keep the rounding of the product they came from, many times enlarged. A step is made for MARGIN
    more than the end: beyond it the quintics rise steeply, and a value that rounding takes over it grows without bound.
    """
    low, high, steps = smallest, 1.0, []
    while 1 - low > 1e-3:
        start, end = max(low, CUSHION * high), MARGIN * high
        step = _minimax_quintic(start, end)
        error = abs(1 - composed(end, (step,)))
        low, high = min(1 - error, composed(low, (step,))), 1 + error
        steps.append(step)
    return tuple(steps)


def composed(value: float, coefficients: Coefficients) -> float:
    """What the quintics make of one singular value."""
    for a, b, c in coefficients:
        value = a * value + b * value**3 + c * value**5
    return value


def _minimax_quintic(low: float, high: float) -> tuple[float, float, float]:
    """(a, b, c) of the odd quintic nearest to 1 on [low, high]."""
    points = np.array([low, low + 0.25 * (high - low), low + 0.75 * (high - low), high])
    for _ in range(60):
        system = np.stack([points, points**3, points**5, [1, -1, 1, -1]], axis=1)
        a, b, c, _ = np.linalg.solve(system, np.ones(4))
        squares = np.sort(np.roots([5 * c, 3 * b, a]).real)
        points[1:3] = np.clip(np.sqrt(np.clip(squares, low**2, high**2)), low, high)
    return float(a), float(b), float(c)


@cache
def schedule(tolerance: float) -> Schedule:
    """The steps that take values below `tolerance` of the largest below THRESHOLD, and all others above it."""
    smallest = 4 * tolerance
    while True:
        coefficients = minimax_steps(smallest)
        low, high = smallest * 1e-3, smallest
        for _ in range(50):
            middle = (low * high) ** 0.5
            low, high = (middle, high) if composed(middle, coefficients) < THRESHOLD else (low, middle)
        if low <= tolerance:
            return Schedule(low / tolerance, coefficients)
        smallest *= 0.8


def largest_value_bound(product: Float[Array, "row column"]) -> Float[Array, ""]:
    """An upper bound of the largest singular value: |(M'M)^p|_F^(1 / 2p) with p = 2^SQUARINGS; 1 for zeros."""

    def or_one(size: Array) -> Array:
        return jnp.where(size > 0, size, 1)

    def square(_: Array, state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        gram, log_norm, power = state
        gram = matmul(gram, gram)
        norm = or_one(jnp.linalg.norm(gram))
        return gram / norm, 2 * log_norm + jnp.log(norm), 2 * power

    scale = or_one(jnp.abs(product).max())
    gram = matmul(product.T / scale, product / scale)
    norm = or_one(jnp.linalg.norm(gram))
    one = jnp.ones((), product.dtype)
    _, log_norm, power = lax.fori_loop(0, SQUARINGS, square, (gram / norm, jnp.log(norm), one))
    return scale * jnp.exp(log_norm / power / 2)


def polar(product: Float[Array, "row column"], tolerance: float) -> Float[Array, "row column"]:
    """U V' of the singular vectors whose value is above `tolerance` of the largest; no more columns than rows.

    Values within about a quarter of the tolerance may fall on either side of it, or between 0 and 1.
    """
    scale, coefficients = schedule(tolerance)

    def approach(factor: Array, step: Array) -> tuple[Array, None]:
        gram = matmul(factor.T, factor)
        return step[0] * factor + matmul(factor, step[1] * gram + step[2] * matmul(gram, gram)), None

    def decide(_: Array, factor: Array) -> Array:  # 35/8 x^3 - 21/4 x^5 + 15/8 x^7: flat at 0 and at 1
        gram = matmul(factor.T, factor)
        square = matmul(gram, gram)
        return matmul(factor, 35 / 8 * gram - 21 / 4 * square + 15 / 8 * matmul(square, gram))

    factor = product * (scale / largest_value_bound(product))
    factor, _ = lax.scan(approach, factor, jnp.asarray(coefficients, product.dtype))
    return lax.fori_loop(0, DECISIONS, decide, factor)
