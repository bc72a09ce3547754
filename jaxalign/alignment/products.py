"""Products of float32 matrices that lose nothing to a narrower number format, on every device.

A TPU multiplies in bfloat16 and makes a product of full precision from six of these. Its compiler takes seven
processor seconds for each place in a loop where a program asks for `Precision.HIGHEST` (13 where one factor is
transposed), and a polar factor has ten such places. The same six products written out as a loop compile in one to two.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

# (part of the left factor, part of the right one), the smallest products first: part n holds bits 8 n to 8 n + 7.
PRODUCTS = ((2, 0), (1, 1), (0, 2), (1, 0), (0, 1), (0, 0))

highest = partial(jnp.matmul, precision=lax.Precision.HIGHEST)


@partial(jax.jit, inline=True)  # called without a compiled caller, it would be traced each time
def matmul(left: Float[Array, "*batch row inner"], right: Float[Array, "*batch inner column"]) -> Array:
    """left @ right, (*batch, row, column), with the rounding of float32 products; on a TPU by `by_bfloat16_parts`."""
    if left.dtype != jnp.float32 or right.dtype != jnp.float32 or left.ndim < 2 or right.ndim < 2:
        return highest(left, right)
    return lax.platform_dependent(left, right, tpu=by_bfloat16_parts, default=highest)


def by_bfloat16_parts(left: Float[Array, "*batch row inner"], right: Float[Array, "*batch inner column"]) -> Array:
    """left @ right from the six largest products of three bfloat16 parts of each factor, summed in float32.

    The parts hold all 24 bits of a number; the three products that are left out are below 2^-24 of the whole. XLA makes
    a product of highest precision on a TPU from the same six.
    """
    left_parts, right_parts = parts(left), parts(right)
    order = jnp.asarray(PRODUCTS, jnp.int32)

    def add(step: Array, total: Array) -> Array:
        one = lax.dynamic_index_in_dim(left_parts, order[step, 0], keepdims=False)
        other = lax.dynamic_index_in_dim(right_parts, order[step, 1], keepdims=False)
        return total + jnp.matmul(one, other, preferred_element_type=jnp.float32)

    shape = (*jnp.broadcast_shapes(left.shape[:-2], right.shape[:-2]), left.shape[-2], right.shape[-1])
    return lax.fori_loop(0, len(PRODUCTS), add, jnp.zeros(shape, jnp.float32))


def parts(values: Float[Array, "..."]) -> Array:
    """Three bfloat16 numbers, (3, ...), whose sum is each float32 number."""
    high = lax.reduce_precision(values, 8, 7)  # a cast and back might be taken for no change
    rest = values - high
    middle = lax.reduce_precision(rest, 8, 7)
    return jnp.stack([high, middle, rest - middle]).astype(jnp.bfloat16)
