"""The decoder's first step of T5-shaped models: how an encoder-decoder would begin its answer to a text."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Float32

from jaxalign.models.config import Config
from jaxalign.models.packed import states
from jaxalign.models.parameters import Params, merge
from jaxalign.models.products import state_dtype
from jaxalign.types import Batch, InputError


def decoded(
    config: Config, params: Params, batch: Batch, *, layers: tuple[int, ...]
) -> Float32[jax.Array, "layer row vector feature"]:
    """Returns (layer, row, vector, feature) float32: states of the decoder's start token, for the chosen `layers`.

    A vector attends to the slots with weight in its `pool`: its whole text. Layer 0 is the start token's embedding,
    layer `decoder_layers` the state after the final norm, as in transformers' `decoder_hidden_states`; unused vectors
    are 0.
    Raises InputError for a config without decoder and for layers that the decoder does not have.
    """
    count = config.decoder_layers
    if not count:
        raise InputError(
            f"Expected a model loaded with its decoder, got one of {config.family} without. See --pooling."
        )
    if not layers or min(layers) < 0 or max(layers) > count:
        raise InputError(f"Expected layers of 0 to {count} of the decoder, got {layers}. Change --layers.")
    encoded = states(config, params, batch, (config.num_layers,))[0].astype(state_dtype(config.dtype))
    decoder = merge(config, params).decoder
    graph, blocks = nnx.split(decoder.blocks)
    seen = jnp.asarray(batch.pool) > 0  # (row, vector, slot)
    used = seen.any(-1)
    visible = seen | ~used[..., None]  # a softmax over nothing would be NaN
    start = params["embed"]["tokens"]["embedding"][config.decoder_start]
    start = jnp.broadcast_to(start, (*used.shape, config.width)).astype(state_dtype(config.dtype))

    def step(state: jax.Array, block: Any) -> tuple[jax.Array, jax.Array]:
        state = nnx.merge(graph, block)(state, encoded, visible)
        return state, state.astype(jnp.float32)

    last, middle = jax.lax.scan(step, start, blocks)
    ends = {0: start, count: decoder.norm(last)}
    chosen = [ends.get(layer, middle[layer - 1]).astype(jnp.float32) for layer in layers]
    return jnp.stack(chosen) * used[None, ..., None]
