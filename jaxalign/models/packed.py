"""The model on packed batches: rows that hold several texts, or a forest of texts with shared beginnings.

`decoded` is the first step of a T5 decoder on such a batch: how an encoder-decoder would begin its answer to each text.
"""

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Bool, Float, Float32, Int32

from jaxalign.models.config import Config
from jaxalign.models.layers import HIGHEST
from jaxalign.models.parameters import Params, merge
from jaxalign.models.products import state_dtype, taken
from jaxalign.runtime.environment import backend
from jaxalign.types import Batch, InputError


def visible_slots(batch: Batch) -> Bool[Any, "row query key"]:
    """Returns which slots each slot sees: slot q sees slot k of its row if seen_from[k] <= q < seen_to[k].

    The earlier slots of other rows come first, where the batch has them.
    """
    slots = jnp.arange(batch.tokens.shape[1], dtype=jnp.int32)[None, :, None]
    own = (batch.seen_from[:, None, :] <= slots) & (slots < batch.seen_to[:, None, :])
    return own if batch.before_to is None else jnp.concatenate([slots < batch.before_to[:, None, :], own], axis=2)


def earlier_slots(batch: Batch) -> Int32[Any, "row earlier"] | None:
    """Returns the numbers, through all rows, of the earlier slots that each row sees; None where no row sees others."""
    if batch.before is None:
        return None
    rows, width = batch.tokens.shape
    return jnp.arange(rows, dtype=jnp.int32)[:, None] * width - batch.before


def states(
    config: Config, params: Params, batch: Batch, layers: tuple[int, ...]
) -> Float32[jax.Array, "layer row slot feature"]:
    """Returns (layer, row, slot, feature) float32: the full states of the chosen `layers`."""
    batch = jax.tree.map(jnp.asarray, batch)
    return merge(config, params)(
        batch.tokens, batch.positions, visible_slots(batch), layers=layers, before=earlier_slots(batch)
    )


def pooled(
    config: Config,
    params: Params,
    batch: Batch,
    *,
    layers: tuple[int, ...],
    slots: Int32[jax.Array, "row vector"] | None = None,
    focused: bool = False,
    used: Int32[jax.Array, "copy count"] | None = None,
) -> Float32[jax.Array, "layer row vector feature"] | Float32[jax.Array, "layer copy count feature"]:
    """Returns (layer, row, vector, feature) float32: `batch.pool` times the states of the chosen `layers`.

    Layer 0 is the embedding, layer `num_layers` the state after the final norm (per token, before pooling), as in
    transformers' `hidden_states`; pooled inside the scan, so that no layer's states stay in memory.
    `slots` (row, vector): given where every vector is one slot (first or last token). With `focused`, for which
    `layers` must have the last, the last block computes queries and MLP of those slots only. `used`: the vectors to
    return, see `used_vectors`; without it all vectors of all rows.
    """
    if focused and (slots is None or config.num_layers not in layers):
        raise InputError(f"Expected slots, and layer {config.num_layers} among the layers for focused, got {layers}.")
    batch = jax.tree.map(jnp.asarray, batch)

    def only_used(vectors: jax.Array) -> jax.Array:
        return vectors if used is None else used_vectors(vectors, used)

    def pool(state: jax.Array) -> jax.Array:
        # A CPU copies states a little faster than it multiplies them by zeros and ones. Not tried on accelerators.
        if slots is not None and used is not None and backend() == "cpu":
            return slots_used(state, slots, used).astype(jnp.float32)
        return only_used(jnp.einsum("rps,rsf->rpf", batch.pool, state.astype(jnp.float32), precision=HIGHEST))

    def keep_slots(state: jax.Array) -> jax.Array:
        return only_used(state.astype(jnp.float32) * jnp.sum(batch.pool, -1)[..., None])  # 0 for an unused vector

    return merge(config, params)(
        batch.tokens, batch.positions, visible_slots(batch), layers=layers, keep=pool,
        last_slots=slots if focused else None, keep_last=keep_slots if focused else pool, before=earlier_slots(batch),
    )  # fmt: skip


def used_vectors(
    vectors: Float32[jax.Array, "row vector feature"], used: Int32[jax.Array, "copy count"]
) -> Float32[jax.Array, "copy count feature"]:
    """Returns only the vectors in use: `used` numbers them row by row among the rows of a copy of the model.

    Rows hold different numbers of vectors, so (row, vector) is mostly padding for short texts.
    """
    return jax.vmap(lambda flat, index: flat[index])(vectors.reshape(len(used), -1, vectors.shape[-1]), used)


def slots_used(
    state: Float[jax.Array, "row slot feature"],
    slots: Int32[jax.Array, "row vector"],
    used: Int32[jax.Array, "copy count"],
) -> Float[jax.Array, "copy count feature"]:
    """Returns the states at the slots of the vectors that `used` numbers, as `used_vectors` does with all vectors."""
    rows, width, features = state.shape
    through = slots + jnp.arange(rows, dtype=jnp.int32)[:, None] % (rows // len(used)) * width
    places = jax.vmap(lambda flat, index: flat[index])(through.reshape(len(used), -1), used)
    return jax.vmap(lambda flat, index: flat[index])(state.reshape(len(used), -1, features), places)


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

    def step(state: jax.Array, index: jax.Array) -> tuple[jax.Array, jax.Array]:
        block = nnx.merge(graph, jax.tree.map(lambda leaf: taken(leaf, index), blocks))
        state = block(state, encoded, visible)
        return state, state.astype(jnp.float32)

    last, middle = jax.lax.scan(step, start, jnp.arange(count))
    ends = {0: start, count: decoder.norm(last)}
    chosen = [ends.get(layer, middle[layer - 1]).astype(jnp.float32) for layer in layers]
    return jnp.stack(chosen) * used[None, ..., None]
