"""The block that every family shares: attention and MLP, or a mixture of experts, in the order of the config."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from jaxalign.models.config import Config
from jaxalign.models.disentangled import DisentangledAttention
from jaxalign.models.layers import HIGHEST, Attention, Context, Layer, Mlp, activate, block_norm, focus, linear
from jaxalign.models.products import state_dtype


class Stack(nnx.Module):
    """The kernels (expert, inputs, outputs) of one linear map per expert."""

    def __init__(self, config: Config, inputs: int, outputs: int, rngs: nnx.Rngs):
        self.dtype = state_dtype(config.dtype)
        init = jax.nn.initializers.variance_scaling(1.0, "fan_in", "truncated_normal", in_axis=1, out_axis=2)
        self.kernel = nnx.Param(init(rngs.params(), (config.experts, inputs, outputs), config.dtype))

    def __call__(self, rows: jax.Array, counts: jax.Array) -> jax.Array:
        """Returns each row times its expert's kernel; rows are sorted by expert, `counts` of them for each expert."""
        kernel = self.kernel[...]
        return jax.lax.ragged_dot(
            rows.astype(kernel.dtype), kernel, counts, precision=HIGHEST, preferred_element_type=self.dtype
        )


class Experts(nnx.Module):
    """sum over the best k experts e of p_e down_e(activation(gate_e x) * up_e x), p the softmax of the router.

    With `normalize_experts` the k weights are divided by their sum. Every chosen expert is computed for every token: no
    capacity limit and no dropped token, so that a token's state does not depend on the rest of the batch.
    """

    def __init__(self, config: Config, rngs: nnx.Rngs):
        self.config = config
        self.router = linear(config, config.width, config.experts, False, rngs)
        self.gate = Stack(config, config.width, config.mlp_width, rngs)
        self.up = Stack(config, config.width, config.mlp_width, rngs)
        self.down = Stack(config, config.mlp_width, config.width, rngs)

    def __call__(self, state: jax.Array) -> jax.Array:
        """(..., feature) -> the same shape."""
        count, flat = self.config.experts_per_token, state.reshape(-1, state.shape[-1])
        chances = jax.nn.softmax(self.router(flat).astype(jnp.float32), axis=-1)
        weights, experts = jax.lax.top_k(chances, count)
        if self.config.normalize_experts:
            weights = weights / weights.sum(-1, keepdims=True)
        order = jnp.argsort(experts.reshape(-1), stable=True)
        counts = jnp.bincount(experts.reshape(-1), length=self.config.experts).astype(jnp.int32)
        rows = flat[order // count]
        mixed = self.down(activate(self.config.activation, self.gate(rows, counts)) * self.up(rows, counts), counts)
        mixed = mixed * weights.reshape(-1)[order][:, None].astype(mixed.dtype)
        restored = jnp.zeros_like(mixed).at[order].set(mixed)
        return restored.reshape(len(flat), count, -1).sum(1).astype(state.dtype).reshape(state.shape)


class Block(nnx.Module):
    """One layer: attention and MLP, each added to the state, norms where `config.order` says."""

    def __init__(self, config: Config, rngs: nnx.Rngs):
        self.order, self.residual_scale = config.order, config.residual_scale
        self.unnormed_first = config.unnormed_first
        disentangled = config.positions == "disentangled"
        self.attention: Any = (DisentangledAttention if disentangled else Attention)(config, rngs)
        self.mlp: Any = (Experts if config.experts else Mlp)(config, rngs)
        self.attention_norm = block_norm(config)
        self.mlp_norm: Any = None if config.order == "parallel" else block_norm(config)
        both = config.order == "both"
        self.attention_post_norm: Any = block_norm(config) if both else None
        self.mlp_post_norm: Any = block_norm(config) if both else None

    def __call__(self, state: jax.Array, context: Context, layer: Layer) -> jax.Array:
        """The state after this block; (row, vector, feature) where the context selects queries."""
        rest = focus(state, context.query_slots)
        if self.order == "post":
            rest = self.attention_norm(rest + self.attention(state, context, layer))
            return self.mlp_norm(rest + self.mlp(rest))
        if self.order == "after":
            rest = rest + self.attention_norm(self.attention(state, context, layer))
            return rest + self.mlp_norm(self.mlp(rest))
        normed = self.attention_norm(state)
        if self.unnormed_first:
            normed = jnp.where(layer.normed, normed, state)
        mixed = self.attention(normed, context, layer)
        if self.order == "parallel":
            return rest + mixed + self.mlp(focus(normed, context.query_slots))
        if self.order == "parallel_two":
            return rest + mixed + self.mlp(self.mlp_norm(rest))
        if self.order == "both":
            rest = rest + self.attention_post_norm(mixed)
            return rest + self.mlp_post_norm(self.mlp(self.mlp_norm(rest)))
        rest = rest + self._scaled(mixed)
        return rest + self._scaled(self.mlp(self.mlp_norm(rest)))

    def _scaled(self, added: jax.Array) -> jax.Array:
        return added if self.residual_scale == 1.0 else added * self.residual_scale
