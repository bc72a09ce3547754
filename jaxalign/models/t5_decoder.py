"""The block of a T5 decoder at its first step: one token, which looks at the encoder's last states."""

import jax
from flax import nnx

from jaxalign.models.config import Config
from jaxalign.models.layers import Mlp, attend, block_norm, linear


class Cross(nnx.Module):
    """Attention of each vector to the slots of its text; no scale and no bias of positions, as in T5."""

    def __init__(self, config: Config, rngs: nnx.Rngs):
        self.heads = config.heads
        self.query = linear(config, config.width, config.query_width, False, rngs)
        self.key = linear(config, config.width, config.query_width, False, rngs)
        self.value = linear(config, config.width, config.query_width, False, rngs)
        self.output = linear(config, config.query_width, config.width, False, rngs)

    def __call__(self, state: jax.Array, encoded: jax.Array, visible: jax.Array) -> jax.Array:
        """Attention of the decoder's `state` to the `encoded` texts, of which `visible` is a mask."""
        query, key, value = self.query(state), self.key(encoded), self.value(encoded)
        query, key, value = (part.reshape(*part.shape[:-1], self.heads, -1) for part in (query, key, value))
        return self.output(attend(query, key, value, visible, None, 1.0, 0.0))


class DecoderBlock(nnx.Module):
    """Self-attention, cross attention and MLP, each on a normed state with a residual sum.

    The softmax of a single token is 1 whatever its query, key and bias: self-attention is only its value and output.
    """

    def __init__(self, config: Config, rngs: nnx.Rngs):
        self.value = linear(config, config.width, config.query_width, False, rngs)
        self.output = linear(config, config.query_width, config.width, False, rngs)
        self.cross = Cross(config, rngs)
        self.mlp = Mlp(config, rngs)
        self.attention_norm = block_norm(config)
        self.cross_norm = block_norm(config)
        self.mlp_norm = block_norm(config)

    def __call__(self, state: jax.Array, encoded: jax.Array, visible: jax.Array) -> jax.Array:
        """The decoder's state after this block."""
        state = state + self.output(self.value(self.attention_norm(state)))
        state = state + self.cross(self.cross_norm(state), encoded, visible)
        return state + self.mlp(self.mlp_norm(state))


class Decoder(nnx.Module):
    """One block (the tree holds `decoder_layers` of them) and the final norm; the embedding is the encoder's."""

    def __init__(self, config: Config, rngs: nnx.Rngs):
        self.blocks = DecoderBlock(config, rngs)
        self.norm = block_norm(config)
