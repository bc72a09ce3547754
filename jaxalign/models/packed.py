"""The model on packed batches: rows that hold several texts, or a forest of texts with shared beginnings."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float32, Int32

from jaxalign.models.config import Config
from jaxalign.models.layers import HIGHEST
from jaxalign.models.parameters import Params, merge
from jaxalign.types import Batch, InputError


def visible_slots(batch: Batch) -> Bool[Any, "row query slot"]:
    """Returns which slots each slot sees: slot q sees slot k if seen_from[k] <= q < seen_to[k]."""
    slots = jnp.arange(batch.tokens.shape[1], dtype=jnp.int32)[None, :, None]
    return (batch.seen_from[:, None, :] <= slots) & (slots < batch.seen_to[:, None, :])


def states(
    config: Config, params: Params, batch: Batch, layers: tuple[int, ...]
) -> Float32[jax.Array, "layer row slot feature"]:
    """Returns (layer, row, slot, feature) float32: the full states of the chosen `layers`."""
    batch = jax.tree.map(jnp.asarray, batch)
    return merge(config, params)(batch.tokens, batch.positions, visible_slots(batch), layers=layers)


def pooled(
    config: Config,
    params: Params,
    batch: Batch,
    *,
    layers: tuple[int, ...],
    last_slots: Int32[jax.Array, "row vector"] | None = None,
    used: Int32[jax.Array, "copy count"] | None = None,
) -> Float32[jax.Array, "layer row vector feature"] | Float32[jax.Array, "layer copy count feature"]:
    """Returns (layer, row, vector, feature) float32: `batch.pool` times the states of the chosen `layers`.

    Layer 0 is the embedding, layer `num_layers` the state after the final norm (per token, before pooling), as in
    transformers' `hidden_states`; pooled inside the scan, so that no layer's states stay in memory.
    `last_slots` (row, vector) slots: where every vector is one slot (first or last token) and `layers` has the last,
    the last block computes queries and MLP of those slots only. `used`: the vectors to return, see `used_vectors`;
    without it all vectors of all rows.
    """
    if last_slots is not None and config.num_layers not in layers:
        raise InputError(f"Expected last_slots with layer {config.num_layers} among the layers, got {layers}.")
    batch = jax.tree.map(jnp.asarray, batch)

    def only_used(vectors: jax.Array) -> jax.Array:
        return vectors if used is None else used_vectors(vectors, used)

    def pool(state: jax.Array) -> jax.Array:
        return only_used(jnp.einsum("rps,rsf->rpf", batch.pool, state.astype(jnp.float32), precision=HIGHEST))

    def keep_slots(state: jax.Array) -> jax.Array:
        return only_used(state.astype(jnp.float32) * jnp.sum(batch.pool, -1)[..., None])  # 0 for an unused vector

    keep_last = pool if last_slots is None else keep_slots
    return merge(config, params)(
        batch.tokens, batch.positions, visible_slots(batch), layers=layers, keep=pool, last_slots=last_slots,
        keep_last=keep_last,
    )  # fmt: skip


def used_vectors(
    vectors: Float32[jax.Array, "row vector feature"], used: Int32[jax.Array, "copy count"]
) -> Float32[jax.Array, "copy count feature"]:
    """Returns only the vectors in use: `used` numbers them row by row among the rows of a copy of the model.

    Rows hold different numbers of vectors, so (row, vector) is mostly padding for short texts.
    """
    return jax.vmap(lambda flat, index: flat[index])(vectors.reshape(len(used), -1, vectors.shape[-1]), used)
