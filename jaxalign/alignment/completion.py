"""What a map does where the seed dictionary says nothing, without a decomposition larger than the seed.

Given the bases U, V (feature, rank) that the seed pairs up, U V' is determined. On the rest, the orthogonal
complements of U and V, the identity completion takes the rotation nearest to the identity: the polar factor of (I -
UU')(I - VV'). By the theory of two projections (Halmos 1969; Davis and Kahan 1970, direct rotation) it differs from
the identity only in the span of U and V, where it follows from the principal angles between them: with U'V = A C B',

    W = I + U V' - U U' - (V - U U'V) B (I + C)^-1 (U A + V B)'
"""

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

matmul = partial(jnp.matmul, precision=jax.lax.Precision.HIGHEST)


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
