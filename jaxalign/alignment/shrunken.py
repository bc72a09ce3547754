"""Shrunken Procrustes: a rotation between the fitted one and none at all.

    W = polar factor of X'Y + lambda s I,  s the largest singular value of X'Y

At lambda 0 it is the map of orthogonal Procrustes, at infinity the identity. It maximises tr(W' (X'Y + lambda s I)),
that is, it minimises |X W - Y|^2 + lambda s |W - I|^2 over orthogonal W. With few seeds for many features the plain map
fits noise, and where the spaces of one model lie on each other already it then does worse than none.

The map differs from the identity only in the span of both languages' seeds: M = X'Y acts between these spans, and on
their common complement M + lambda s I is a multiple of the identity. With fewer seeds than features everything is
computed in a basis of that span. At lambda 0 the run's completion decides about the complement, as for the plain map.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxalign.alignment import procrustes
from jaxalign.alignment.normalize import unit_rows
from jaxalign.alignment.polar import largest_value_bound, polar
from jaxalign.alignment.procrustes import Completion, Method
from jaxalign.alignment.products import matmul
from jaxalign.alignment.reduced import AlignedPair
from jaxalign.types import InputError

GRID = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0, float("inf"))
THIN = 0.75  # a basis of both spans is used where it has at most this share of the features
LIMIT = 1e-4  # stands for lambda 0 where the complement keeps the identity: the limit as lambda falls to 0


class Shrinking(NamedTuple):
    """How the map is made; static, one compiled function each."""

    method: Method = "svd"
    completion: Completion = "drop"


class InBasis(NamedTuple):
    """Paired seeds of both languages in coordinates of a basis of their spans."""

    seeds: Float[Array, "seed basis"]
    images: Float[Array, "seed basis"]
    basis: Float[Array, "feature basis"] | None  # none: the features themselves


def check_grid(grid: tuple[float, ...]) -> None:
    """InputError unless the values of lambda are ascending and not negative."""
    if not grid or any(not value >= 0 for value in grid) or list(grid) != sorted(set(grid)):
        raise InputError(f"Expected --shrinkage as ascending numbers from 0 to inf, got {grid}. Sort them.")


@partial(jax.jit, static_argnames="method")
def in_basis(seeds: Float[Array, "seed feature"], images: Float[Array, "seed feature"], method: Method) -> InBasis:
    """The seeds in a basis of both spans, where that is clearly smaller than the features."""
    count, features = seeds.shape
    if 2 * count > THIN * features:
        return InBasis(seeds, images, None)
    both = jnp.concatenate([seeds, images]).T
    if method == "polar":  # by products: the polar factor spans what the seeds span
        basis = polar(both, procrustes.rank_tolerance(2 * count, features))
    else:
        basis = jnp.linalg.qr(both)[0]
    return InBasis(matmul(seeds, basis), matmul(images, basis), basis)


def polar_factor(product: Float[Array, "size size"], method: Method) -> Float[Array, "size size"]:
    """U V' of a square matrix of full rank."""
    if method == "polar":
        return polar(product, procrustes.rank_tolerance(*product.shape))
    left, _, right = jnp.linalg.svd(product, full_matrices=False)
    return matmul(left, right)


def largest_value(product: Float[Array, "size size"], method: Method) -> Float[Array, ""]:
    """The largest singular value; by products a bound that is at most size^(1/64) times it (1.11 at 1,024)."""
    return largest_value_bound(product) if method == "polar" else jnp.linalg.norm(product, 2)


def shrunken_turn(
    product: Float[Array, "size size"], shrinkage: Float[Array, ""] | float, largest: Float[Array, ""], method: Method
) -> Float[Array, "size size"]:
    """The polar factor of M + lambda s I for a lambda above 0."""
    return polar_factor(product + shrinkage * largest * jnp.eye(len(product), dtype=product.dtype), method)


@partial(jax.jit, static_argnames="how")
def _shrunken(
    source: Array, target: Array, seeds: Array, images: Array, shrinkage: Array, how: Shrinking
) -> AlignedPair:
    pair = in_basis(seeds, images, how.method)
    product = matmul(pair.seeds.T, pair.images)
    turn = shrunken_turn(product, shrinkage, largest_value(product, how.method), how.method)
    if pair.basis is None:
        return AlignedPair(unit_rows(matmul(source, turn)), target)
    change = matmul(matmul(matmul(source, pair.basis), turn - jnp.eye(len(turn), dtype=turn.dtype)), pair.basis.T)
    return AlignedPair(unit_rows(source + change), target)


@partial(jax.jit, static_argnames="how")
def _plain(source: Array, target: Array, seeds: Array, images: Array, how: Shrinking) -> AlignedPair:
    tolerance = procrustes.rank_tolerance(*seeds.shape)
    pair = in_basis(seeds, images, how.method)
    left, right, _ = procrustes.fit(pair.seeds, pair.images, how.method, how.completion, tolerance)
    if pair.basis is not None:
        left, right = matmul(pair.basis, left), matmul(pair.basis, right)
    return AlignedPair(unit_rows(matmul(source, left)), unit_rows(matmul(target, right)))


def align(
    source: Float[Array, "row feature"],
    target: Float[Array, "row feature"],
    seeds: Float[Array, "seed feature"],
    images: Float[Array, "seed feature"],
    shrinkage: float,
    how: Shrinking,
) -> AlignedPair:
    """Unit rows of both languages after the map of one lambda, whose product holds the cosines of the pair.

    source, target: unit rows (rows of zeros stay zero); seeds, images: paired normalised seed rows. The map of the
    other direction is the transpose, so that one pair of factors serves both.
    """
    if np.isinf(shrinkage):
        return AlignedPair(source, target)
    if shrinkage == 0 and how.completion == "drop":
        return _plain(source, target, seeds, images, how)
    return _shrunken(source, target, seeds, images, jnp.float32(shrinkage or LIMIT), how)
