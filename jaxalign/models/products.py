"""How linear layers multiply: 16-bit weights on a CPU with bfloat16 instructions, short sums, and everything else.

XLA's CPU library multiplies bfloat16 matrices two to three times as fast into float32 as into bfloat16. There the sums,
and with them the states between the products, stay float32: measured on Gemma 3 270M (prompts, all layers, two cores of
an AMD EPYC with avx512_bf16) 1.8 times as fast as products rounded to bfloat16, and a third of the error against
float32: .0019 of the root mean square in place of .0058, worst cosine .99997 in place of .99977. Accelerators sum in
float32 inside a product anyway, and bfloat16 states halve their memory traffic.

A model with massive activations loses bits in long sums: XLA's CPU library adds up to 512 products one after the other.
With `short_sums` the logits, the output of attention and the squares in the norms are added in pieces, on a CPU in
float32: see `docs/design/models.md`.
"""

from functools import partial, reduce
from typing import Any

import jax
import jax.numpy as jnp

from jaxalign.runtime.environment import backend, has_bfloat16_instructions

LOGIT_PIECE, OUTPUT_PIECE = 64, 256  # features of one partial sum
LANES = 16  # float32 numbers of a vector register of 512 bits


def sums_float32(dtype: str) -> bool:
    """Whether products of weights of this dtype give float32, so that the states are float32 too."""
    return dtype == "bfloat16" and backend() == "cpu" and has_bfloat16_instructions()


def state_dtype(dtype: str) -> Any:
    """Dtype of the states between the products of a model with weights of `dtype`."""
    return jnp.float32 if sums_float32(dtype) else jnp.dtype(dtype)


def dot_general(dtype: str, pieces: int = 1) -> Any:
    """The product that a linear layer with weights of `dtype` uses, with the arguments of `jax.lax.dot_general`.

    With several `pieces` the sum over the inputs is made of that many partial sums.
    """
    if pieces > 1:
        return partial(_in_pieces, pieces)
    return _float32_sums if sums_float32(dtype) else jax.lax.dot_general


def pieces_of(features: int, piece: int, dtype: str) -> int:
    """Number of partial sums over `piece` features each; 1 on accelerators, in another dtype, where they do not fit."""
    return features // piece if sums_are_long(dtype) and features % piece == 0 else 1


def sums_are_long(dtype: str) -> bool:
    """Whether many float32 numbers are added one after the other: on a CPU; accelerators add them as a tree."""
    return dtype == "float32" and backend() == "cpu"


def taken(stack: jax.Array, index: Any) -> jax.Array:
    """Returns one item of a stack of weights, for use inside a loop.

    A CPU's compiler slices bfloat16 as float32, and moves that change of the whole stack out of the loop, unless there
    is a barrier: Gemma 3 270M needs 394 MB of temporaries for its 191 MB of blocks then.
    """
    if backend() == "cpu":
        stack, index = jax.lax.optimization_barrier((stack, index))
    return jax.lax.dynamic_index_in_dim(stack, index, keepdims=False)


def mean_of_squares(state: jax.Array) -> jax.Array:
    """The mean over the last axis, (..., 1), by halves added to each other until at most LANES squares are left."""
    squares = state * state
    while squares.shape[-1] % 2 == 0 and squares.shape[-1] > LANES:
        squares = reduce(jnp.add, jnp.split(squares, 2, -1))
    return squares.sum(-1, keepdims=True) / state.shape[-1]


def _in_pieces(pieces: int, left: jax.Array, right: jax.Array, dimension_numbers: Any, **options: Any) -> jax.Array:
    parts = zip(jnp.split(left, pieces, -1), jnp.split(right, pieces), strict=True)
    return reduce(jnp.add, [jax.lax.dot_general(*part, dimension_numbers, **options) for part in parts])


def _float32_sums(left: jax.Array, right: jax.Array, dimension_numbers: Any, **options: Any) -> jax.Array:
    return jax.lax.dot_general(left, right, dimension_numbers, **options, preferred_element_type=jnp.float32)
