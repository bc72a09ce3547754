"""Generalised Procrustes: one rotation per language into a common space, all languages at once.

Gower 1975: each language is turned onto the mean of the others until the agreement stops growing. Two languages give
their Procrustes rotation.
"""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from jaxalign.alignment import procrustes
from jaxalign.alignment.products import matmul
from jaxalign.runtime import threads
from jaxalign.types import InputError


def rotations(
    spaces: Sequence[np.ndarray],
    *,
    iterations: int = 50,
    tolerance: float = 1e-6,
    completion: procrustes.Completion = "identity",
    method: procrustes.Method = "svd",
) -> Float[np.ndarray, "language feature feature"]:
    """W maximising sum over pairs of tr((A_i W_i)' A_j W_j), the first language's the identity.

    spaces: seed rows (seed, feature) of each language, rows aligned. Stops once a round raises the agreement by less
    than `tolerance` of itself; a negative one asks for all rounds. The limit is a stationary point, the best one where
    the languages are alike.
    Raises InputError for fewer than two languages or rows that do not match.
    """
    shapes = {np.shape(space) for space in spaces}
    if len(spaces) < 2 or len(shapes) != 1 or len(next(iter(shapes))) != 2:
        raise InputError(f"Expected two or more languages with aligned rows, got {shapes}. Fix --languages.")
    stacked = jnp.stack([jnp.asarray(space, jnp.float32) for space in spaces])
    if not bool(jnp.isfinite(stacked).all()):
        raise InputError("Expected finite vectors, got NaN or infinity. Embed again with --dtype=float32.")
    with threads.one_lapack_thread():  # hundreds of small decompositions, one after the other: more threads only spin
        return np.asarray(agree(stacked, iterations, tolerance, completion, method))


class Round(NamedTuple):
    """State of the rounds: how many are done, the agreement before the last, mapped spaces and maps."""

    step: Array
    before: Array
    carry: tuple[Array, Array]


@partial(jax.jit, static_argnames=("iterations", "tolerance", "completion", "method"))
def agree(
    spaces: Float[Array, "language seed feature"],
    iterations: int,
    tolerance: float,
    completion: procrustes.Completion,
    method: procrustes.Method,
) -> Float[Array, "language feature feature"]:
    """The rotations; one round turns each language in order, each onto what the others are by then."""
    rotation = partial(procrustes.rotation, method=method, completion=completion)
    count, _, features = spaces.shape

    def turn_onto(mapped: Array, maps: Array, index: Array, goal: Array) -> tuple[Array, Array]:
        turn = rotation(spaces[index], goal)
        return mapped.at[index].set(matmul(spaces[index], turn)), maps.at[index].set(turn)

    def onto_first(index: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        return turn_onto(*carry, index, spaces[0])

    def onto_others(index: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        mapped, maps = carry
        return turn_onto(mapped, maps, index, (mapped.sum(0) - mapped[index]) / (count - 1))

    def agreement(mapped: Array) -> Array:
        return (mapped.sum(0) ** 2).sum()

    def is_growing(state: Round) -> Array:
        step, before, (mapped, _) = state
        return (step < iterations) & (agreement(mapped) > before * (1 + tolerance))

    def one_round(state: Round) -> Round:
        step, _, carry = state
        return Round(step + 1, agreement(carry[0]), lax.fori_loop(1, count, onto_others, carry))

    start = (spaces, jnp.broadcast_to(jnp.eye(features, dtype=spaces.dtype), (count, features, features)))
    first = lax.fori_loop(1, count, onto_first, start)
    return lax.while_loop(is_growing, one_round, Round(jnp.int32(0), jnp.float32(0), first)).carry[1]
