"""The block that every family shares: attention and MLP, or a mixture of experts, in the order of the config."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from jaxalign.models.config import Config
from jaxalign.models.disentangled import DisentangledAttention
from jaxalign.models.experts import Experts
from jaxalign.models.layers import Attention, Context, Layer, Mlp, block_norm, focus


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
