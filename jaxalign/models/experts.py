"""A mixture of experts: each token is computed by the few MLPs that a router chooses for it.

Rows, one for each token and chosen expert, are sorted by expert. A TPU multiplies such rows with their experts' kernels
in one instruction (`jax.lax.ragged_dot`). Elsewhere the compiler makes a product of all rows with all experts out of it
and puts zeros where an expert was not chosen: for 8 experts of 128 that is 16 times the work, and 128 copies of rows.
There a loop takes the rows in blocks that belong to one expert each.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Float, Int

from jaxalign.models.config import Config
from jaxalign.models.layers import HIGHEST, activate, linear
from jaxalign.models.products import state_dtype, taken
from jaxalign.runtime.environment import backend

LEAST_ROWS, MOST_ROWS = 32, 512  # of a block


class Stack(nnx.Module):
    """The kernels (expert, inputs, outputs) of one linear map per expert."""

    def __init__(self, config: Config, inputs: int, outputs: int, rngs: nnx.Rngs):
        self.dtype = state_dtype(config.dtype)
        init = jax.nn.initializers.variance_scaling(1.0, "fan_in", "truncated_normal", in_axis=1, out_axis=2)
        self.kernel = nnx.Param(init(rngs.params(), (config.experts, inputs, outputs), config.dtype))

    def sorted_rows(self, rows: jax.Array, counts: jax.Array) -> jax.Array:
        """Returns each row times its expert's kernel; rows are sorted by expert, `counts` of them for each expert."""
        kernel = self.kernel[...]
        # The compiler of TPUs refuses 16-bit rows at the highest precision, which would change nothing for them.
        precision = HIGHEST if kernel.dtype == jnp.float32 else None
        return jax.lax.ragged_dot(
            rows.astype(kernel.dtype), kernel, counts, precision=precision, preferred_element_type=self.dtype
        )

    def rows_of(self, expert: jax.Array, rows: jax.Array) -> jax.Array:
        """Returns rows of one expert times its kernel."""
        kernel = taken(self.kernel[...], expert)
        return jnp.matmul(rows.astype(kernel.dtype), kernel, precision=HIGHEST, preferred_element_type=self.dtype)


class Rows(NamedTuple):
    """Rows, one for each token and expert that it chose, sorted by expert."""

    order: Int[jax.Array, " row"]  # numbers through the experts of the first token, of the second, ...
    weights: Float[jax.Array, "row 1"]
    counts: Int[jax.Array, " expert"]  # rows of each expert


class Experts(nnx.Module):
    """sum over the best k experts e of p_e down_e(activation(gate_e x) * up_e x), p the softmax of the router.

    With `normalize_experts` the k weights are divided by their sum. Every chosen expert is computed for every token: no
    capacity limit and no dropped token, so that a token's state does not depend on the rest of the batch. Blocks have
    no gradient in reverse mode, since their number depends on the router.
    """

    def __init__(self, config: Config, rngs: nnx.Rngs):
        self.config = config
        self.router = linear(config, config.width, config.experts, False, rngs)
        self.gate = Stack(config, config.width, config.mlp_width, rngs)
        self.up = Stack(config, config.width, config.mlp_width, rngs)
        self.down = Stack(config, config.mlp_width, config.width, rngs)

    def __call__(self, state: jax.Array) -> jax.Array:
        """(..., feature) -> the same shape."""
        chosen, flat = self.config.experts_per_token, jnp.asarray(state).reshape(-1, state.shape[-1])
        chances = jax.nn.softmax(self.router(flat).astype(jnp.float32), axis=-1)
        weights, experts = jax.lax.top_k(chances, chosen)
        if self.config.normalize_experts:
            weights = weights / weights.sum(-1, keepdims=True)
        order = jnp.argsort(experts.reshape(-1), stable=True)
        counts = jnp.bincount(experts.reshape(-1), length=self.config.experts).astype(jnp.int32)
        mix = self._at_once if backend() == "tpu" else self._in_blocks
        rows = Rows(order, weights.reshape(-1)[order].astype(jnp.float32)[:, None], counts)
        return mix(flat, rows).astype(state.dtype).reshape(state.shape)

    def _at_once(self, state: Float[jax.Array, "token feature"], rows: Rows) -> Float[jax.Array, "token feature"]:
        """The weighted sums of the tokens: all rows in three products."""
        given = state[rows.order // self.config.experts_per_token]
        gate, up = self.gate.sorted_rows(given, rows.counts), self.up.sorted_rows(given, rows.counts)
        made = self.down.sorted_rows(activate(self.config.activation, gate) * up, rows.counts)
        made = jnp.zeros(made.shape, jnp.float32).at[rows.order].set(rows.weights * made, unique_indices=True)
        return made.reshape(len(state), -1, state.shape[1]).sum(1)

    def _in_blocks(self, state: Float[jax.Array, "token feature"], rows: Rows) -> Float[jax.Array, "token feature"]:
        """The same, block by block.

        The last block of an expert reaches into the rows of the next one, or over the end: they count 0 there.
        """
        size = block_rows(len(rows.order), self.config.experts)
        blocks = -(-rows.counts // size)
        last_block, last_row = jnp.cumsum(blocks), jnp.cumsum(rows.counts)
        tokens = jnp.pad(rows.order // self.config.experts_per_token, (0, size))
        weights = jnp.pad(rows.weights, ((0, size), (0, 0)))

        def step(block: Any, mixed: jax.Array) -> jax.Array:
            expert = (block >= last_block).sum()
            start = last_row[expert] - rows.counts[expert] + (block - last_block[expert] + blocks[expert]) * size
            places, shares = (jax.lax.dynamic_slice_in_dim(part, start, size) for part in (tokens, weights))
            given = state[places]
            gate, up = self.gate.rows_of(expert, given), self.up.rows_of(expert, given)
            made = self.down.rows_of(expert, activate(self.config.activation, gate) * up)
            own = start + jnp.arange(size)[:, None] < last_row[expert]
            return mixed.at[places].add(jnp.where(own, shares * made, 0))

        return jax.lax.fori_loop(0, last_block[-1], step, jnp.zeros(state.shape, jnp.float32))


def block_rows(rows: int, experts: int) -> int:
    """Returns the rows of a block, a power of two: about half of what an expert has on average.

    Smaller blocks read their expert's kernels more often, larger ones have more rows that do not count: 128 experts,
    256 rows each, 128 rows a block are 5 to 40 % faster than 64, 256 and 512 (two cores with AMX, bfloat16).
    """
    half = -(-rows // (2 * experts))
    return min(max(1 << (half - 1).bit_length(), LEAST_ROWS), MOST_ROWS)
