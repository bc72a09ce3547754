"""Maps from one space into another: normalisation, orthogonal Procrustes, least squares.

Rows are concepts, a map is applied on the right: `source @ rotation` lies in the target's space. All products of
float32 run at the highest precision, since a product in TF32 or bf16 moves ranks.

Procrustes: Schoenemann 1966. Steps before the fit: Artetxe et al. 2016 (unit, center, unit).
"""

from collections.abc import Sequence
from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxalign.complete import identity_map, matmul
from jaxalign.types import InputError

Completion = Literal["drop", "identity", "arbitrary"]
COMPLETIONS = ("drop", "identity", "arbitrary")
METHODS = ("svd", "polar")
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


def rank_tolerance(seeds: int, features: int) -> float:
    """Singular values of source' target at or below this share of the largest count as zero.

    A float32 product of exactly dependent rows leaves values of a few epsilon; sqrt of the size is the growth of a
    sum of random roundings. max(n, d) * epsilon, usual elsewhere, would cut real directions of spaces with a large
    mean.
    """
    return float(np.finfo(np.float32).eps) * max(8.0, max(seeds, features) ** 0.5)


def bases(
    product: Float[Array, "left right"], tolerance: float
) -> tuple[Float[Array, "left rank"], Float[Array, "right rank"]]:
    """Singular vectors U, V of `product` with the null columns set to zero: U V' is the partial isometry nearest to it."""
    left, values, right = jnp.linalg.svd(product, full_matrices=False)
    kept = values > tolerance * values[0]
    return left * kept, right.T * kept


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
    left, right = bases(product, rank_tolerance(*source.shape))
    if completion == "identity":
        return identity_map(jnp.eye(len(product), dtype=product.dtype), left, right)
    return matmul(left, right.T)


def least_squares(
    source: Float[Array, "seed feature"], target: Float[Array, "seed feature"], ridge: float = 0.0
) -> Float[Array, "feature feature"]:
    """argmin of |source W - target|^2 + ridge * mean(diag(source' source)) |W|^2, the shortest W where it is not unique."""
    if not ridge:
        return jnp.linalg.lstsq(source, target)[0]
    gram = matmul(source.T, source)
    gram = gram + ridge * jnp.trace(gram) / len(gram) * jnp.eye(len(gram), dtype=gram.dtype)
    return jax.scipy.linalg.solve(gram, matmul(source.T, target), assume_a="pos")
