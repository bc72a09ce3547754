"""The decoder's first step of T5-shaped models: what an encoder-decoder would answer a text with."""

from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from jaxalign.models.config import Config
from jaxalign.models.t5_decoder import Decoder
from jaxalign.models.transformer import Params, states
from jaxalign.types import Batch, InputError


@lru_cache(maxsize=8)
def _graphs(config: Config) -> tuple[Any, Any]:
    decoder = nnx.eval_shape(lambda: Decoder(config, nnx.Rngs(0)))
    return nnx.split(decoder.blocks)[0], nnx.split(decoder.norm)[0]


def decoded(config: Config, params: Params, batch: Batch, *, layers: tuple[int, ...]) -> jax.Array:
    """Returns (layer, row, pick, feature) float32: states of the decoder's start token, for the chosen `layers`.

    A pick attends to the slots with weight in its `pool`: its whole text. Layer 0 is the start token's embedding, layer
    `decoder_layers` the state after the final norm, as in transformers' `decoder_hidden_states`; unused picks are 0.
    Raises InputError on a config without decoder and on layers outside of it.
    """
    count = config.decoder_layers
    if not count:
        raise InputError(
            f"Expected a model loaded with its decoder, got one of {config.family} without. See --pooling."
        )
    if not layers or min(layers) < 0 or max(layers) > count:
        raise InputError(f"Expected layers of 0 to {count} of the decoder, got {layers}. Change --layers.")
    block_graph, norm_graph = _graphs(config)
    encoded = states(config, params, batch, (config.num_layers,))[0].astype(config.dtype)
    seen = jnp.asarray(batch.pool) > 0  # (row, pick, slot)
    used = seen.any(-1)
    visible = seen | ~used[..., None]  # a softmax over nothing would be NaN
    start = params["embed"]["tokens"]["embedding"][config.decoder_start]
    start = jnp.broadcast_to(start, (*used.shape, config.width))

    def step(state: jax.Array, block: Params) -> tuple[jax.Array, jax.Array]:
        state = nnx.merge(block_graph, block)(state, encoded, visible)
        return state, state.astype(jnp.float32)

    last, middle = jax.lax.scan(step, start, params["decoder"]["blocks"])
    last = nnx.merge(norm_graph, params["decoder"]["norm"])(last)
    found = {0: start, count: last}
    chosen = [found.get(layer, middle[layer - 1]).astype(jnp.float32) for layer in layers]
    return jnp.stack(chosen) * used[None, ..., None]
