"""Generalised Procrustes: one rotation a language into a common space, all languages at once.

Gower 1975: each language is turned onto the mean of the others until the agreement stops growing. Two languages give
their Procrustes rotation.
"""

from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from jaxalign.alignment import procrustes
from jaxalign.alignment.completion import matmul
from jaxalign.runtime import threads
from jaxalign.types import InputError


def rotations(
    spaces: Sequence[np.ndarray],
    *,
    iterations: int = 50,
    tolerance: float = 1e-6,
    completion: procrustes.Completion = "identity",
    method: str = "svd",
) -> Float[np.ndarray, "language feature feature"]:
    """W maximising sum over pairs of tr((A_i W_i)' A_j W_j), the first language's the identity.

    spaces: seed rows (seed, feature) of each language, rows aligned. Stops once a round raises the agreement by less
    than `tolerance` of itself; a negative one asks for all rounds. The limit is a stationary point, the best one where
    the languages are alike.
    Raises InputError for fewer than two languages or rows that do not match.
    """
    shapes = {np.shape(space) for space in spaces}
    if len(spaces) < 2 or len(shapes) != 1 or len(next(iter(shapes))) != 2:
        raise InputError(f"Expected two or more languages with aligned rows, got {shapes}. Mend --languages.")
    stacked = jnp.stack([jnp.asarray(space, jnp.float32) for space in spaces])
    if not bool(jnp.isfinite(stacked).all()):
        raise InputError("Expected finite vectors, got NaN or infinity. Embed again with --dtype=float32.")
    with threads.one_lapack_thread():  # hundreds of small decompositions, one after the other: more threads only spin
        return np.asarray(agree(stacked, iterations, tolerance, completion, method))


@partial(jax.jit, static_argnames=("iterations", "tolerance", "completion", "method"))
def agree(
    spaces: Float[Array, "language seed feature"], iterations: int, tolerance: float, completion: str, method: str
) -> Float[Array, "language feature feature"]:
    """The rotations; one round turns each language in order, each onto what the others are by then."""
    turn = partial(procrustes.rotation, method=method, completion=completion)
    count, _, features = spaces.shape

    def one(index, carry):
        turned, maps = carry
        rest = (turned.sum(0) - turned[index]) / (count - 1)
        found = turn(spaces[index], rest)
        return turned.at[index].set(matmul(spaces[index], found)), maps.at[index].set(found)

    def agreement(turned):
        return (turned.sum(0) ** 2).sum()

    def again(state):
        step, before, (turned, _) = state
        return (step < iterations) & (agreement(turned) > before * (1 + tolerance))

    def round_of(state):
        step, _, carry = state
        return step + 1, agreement(carry[0]), lax.fori_loop(1, count, one, carry)

    start = (spaces, jnp.broadcast_to(jnp.eye(features, dtype=spaces.dtype), (count, features, features)))
    first = lax.fori_loop(1, count, onto_first(spaces, turn), start)
    return lax.while_loop(again, round_of, (0, jnp.float32(0), first))[2][1]


def onto_first(spaces, turn):
    """Body that turns a language onto the first: where the rounds begin."""

    def one(index, carry):
        turned, maps = carry
        found = turn(spaces[index], spaces[0])
        return turned.at[index].set(matmul(spaces[index], found)), maps.at[index].set(found)

    return one
