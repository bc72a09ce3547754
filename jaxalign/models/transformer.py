"""The scanning stack that every family shares: tokens of a batch -> states, or pooled vectors, of chosen layers."""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Float32, Int32

from jaxalign.models.config import Config
from jaxalign.models.layers import HIGHEST, Block, Context, Layer, block_norm, bucket_table
from jaxalign.models.position_bias import alibi, bucket_bias, sinusoid
from jaxalign.models.rope import rope_angles
from jaxalign.models.t5_decoder import Decoder
from jaxalign.types import Batch, InputError

Params = dict[str, Any]  # nested dicts of arrays; leaves under "blocks" are stacked over layers, but see `unstacked`
Emit = Callable[[jax.Array], jax.Array]  # what is kept of a layer's state
Step = Callable[[jax.Array, Any], jax.Array]  # state and number of a block -> state behind it
NO_WINDOW = np.iinfo(np.int32).max


class Embed(nnx.Module):
    """Token vectors times `embed_scale`, plus positions and token type 0, then a norm, where the family has them."""

    def __init__(self, config: Config, rngs: nnx.Rngs):
        self.config = config

        def table(rows: int) -> Any:
            return nnx.Embed(rows, config.width, param_dtype=config.dtype, rngs=rngs) if rows else None

        self.tokens = table(config.vocab)
        self.positions = table(config.position_rows)
        self.types = table(config.token_types)
        self.norm: Any = block_norm(config) if config.embed_norm else None

    def __call__(self, tokens: jax.Array, positions: jax.Array) -> jax.Array:
        config, state = self.config, self.tokens(tokens)
        if config.embed_scale != 1.0:
            # Gemma rounds the factor to the weights' dtype, as its training did.
            state = state * jnp.asarray(config.embed_scale, state.dtype)
        if self.types is not None:
            state = state + self.types(jnp.zeros_like(tokens))
        if self.positions is not None:
            state = state + self.positions(positions + config.position_offset)
        if config.positions == "sinusoid":
            state = state + sinusoid(positions + config.position_offset, config.width).astype(state.dtype)
        return state if self.norm is None else self.norm(state)


class Transformer(nnx.Module):
    """Embedding, one block (the stack holds `num_layers` of them), final norm; T5's bucket table and decoder."""

    def __init__(self, config: Config, rngs: nnx.Rngs):
        self.embed = Embed(config, rngs)
        self.blocks = Block(config, rngs)
        self.norm = block_norm(config) if config.final_norm else None
        shared = config.buckets and not config.bucket_each_layer
        self.buckets = bucket_table(config, rngs) if shared else None
        self.decoder = Decoder(config, rngs) if config.decoder_layers else None


@lru_cache(maxsize=32)
def _structure(config: Config) -> tuple[dict[str, Any], Params]:
    """Returns the graph definitions of embedding, block and final norm, and the shapes of one of each."""
    whole = nnx.eval_shape(lambda: Transformer(config, nnx.Rngs(0)))
    graphs = {name: nnx.split(part)[0] for name, part in _parts(whole).items()}
    shapes = {name: nnx.to_pure_dict(nnx.split(part)[1]) for name, part in _parts(whole).items()}
    return graphs, shapes


def _parts(whole: Transformer) -> dict[str, nnx.Module]:
    names = ("embed", "blocks", "norm", "buckets", "decoder")
    parts = {name: getattr(whole, name) for name in names}
    return {name: part for name, part in parts.items() if part is not None}


def abstract(config: Config) -> Params:
    """Returns the tree of parameter shapes and dtypes (`jax.ShapeDtypeStruct`), allocating nothing."""
    _, shapes = _structure(config)

    def stacked(tree: Params, count: int) -> Params:
        return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((count, *leaf.shape), leaf.dtype), tree)

    tree = {**shapes, "blocks": stacked(shapes["blocks"], config.num_layers)}
    if config.decoder_layers:
        tree["decoder"] = {**shapes["decoder"], "blocks": stacked(shapes["decoder"]["blocks"], config.decoder_layers)}
    return tree


def unstacked(params: Params) -> Params:
    """Returns the parameters with a tuple of blocks, one a layer: views of the stack where the host is the device.

    A stack is scanned: one block is compiled whatever the depth, but a CPU copies each layer's weights out of it in
    every batch, 2 to 4 % of the time. A tuple is gone through in a loop: 12 layers compile as quickly, 80 in 2 s more.
    """
    stack = jax.tree.map(np.asarray, params["blocks"])
    count = len(jax.tree.leaves(stack)[0])
    blocks = tuple(jax.tree.map(lambda leaf: leaf[index], stack) for index in range(count))  # noqa: B023
    return {**params, "blocks": blocks}


def random_params(config: Config, seed: int, shardings: Params | None = None) -> Params:
    """Returns parameters as initialised by Flax, made on the device (straight into `shardings` where given)."""

    def one(key: jax.Array) -> Params:
        parts = _parts(Transformer(config, nnx.Rngs(key)))
        return {name: nnx.to_pure_dict(nnx.split(part)[1]) for name, part in parts.items()}

    def make(key: jax.Array) -> Params:
        rest, stack = jax.random.split(key)
        tree = one(rest)
        tree["blocks"] = jax.lax.map(lambda each: one(each)["blocks"], jax.random.split(stack, config.num_layers))
        if config.decoder_layers:
            keys = jax.random.split(jax.random.fold_in(stack, 1), config.decoder_layers)
            tree["decoder"]["blocks"] = jax.lax.map(lambda each: one(each)["decoder"]["blocks"], keys)
        return tree

    return jax.jit(make, out_shardings=shardings)(jax.random.key(seed))


def pooled(
    config: Config,
    params: Params,
    batch: Batch,
    *,
    layers: tuple[int, ...],
    last_picks: Int32[jax.Array, "row pick"] | None = None,
    taken: Int32[jax.Array, "copy count"] | None = None,
) -> Float32[jax.Array, "layer row pick feature"] | Float32[jax.Array, "layer copy count feature"]:
    """Returns (layer, row, pick, feature) float32: `batch.pool` times the states of the chosen `layers`.

    Layer 0 is the embedding, layer `num_layers` the state after the final norm (per token, before pooling), as in
    transformers' `hidden_states`; pooled inside the scan, so that no layer's states outlive it.
    `last_picks` (row, pick) slots: where every pick is one slot (first or last token) and `layers` has the last, the
    last block computes queries and MLP for those slots only. `taken`: the picks that leave, see `take_picks`; all
    picks of all rows without it.
    """
    if last_picks is not None and config.num_layers not in layers:
        raise InputError(f"Expected last_picks with layer {config.num_layers} among the layers, got {layers}.")

    def leave(found: jax.Array) -> jax.Array:
        return found if taken is None else take_picks(found, taken)

    def pool(state: jax.Array) -> jax.Array:
        return leave(jnp.einsum("rps,rsf->rpf", batch.pool, state.astype(jnp.float32), precision=HIGHEST))

    def keep(state: jax.Array) -> jax.Array:
        found = state.astype(jnp.float32) * jnp.sum(jnp.asarray(batch.pool), -1)[..., None]  # 0 for an unused pick
        return leave(found)

    return _run(config, params, batch, layers, pool, last_picks, pool if last_picks is None else keep)


def take_picks(
    found: Float32[jax.Array, "row pick feature"], taken: Int32[jax.Array, "copy count"]
) -> Float32[jax.Array, "copy count feature"]:
    """Returns the picks in use alone: `taken` counts row by row, pick by pick, among the rows of a copy of the model.

    Rows hold different numbers of picks, so that (row, pick) is mostly air where texts are short.
    """
    return jax.vmap(lambda flat, index: flat[index])(found.reshape(len(taken), -1, found.shape[-1]), taken)


def states(
    config: Config, params: Params, batch: Batch, layers: tuple[int, ...]
) -> Float32[jax.Array, "layer row slot feature"]:
    """Returns (layer, row, slot, feature) float32: the full states of the chosen `layers`."""
    return _run(config, params, batch, layers, lambda state: state.astype(jnp.float32))


def _run(
    config: Config,
    params: Params,
    batch: Batch,
    layers: tuple[int, ...],
    emit: Emit,
    last_picks: jax.Array | None = None,
    emit_last: Emit | None = None,
) -> jax.Array:
    depth = max(layers, default=0)
    if not layers or min(layers) < 0 or depth > config.num_layers:
        raise InputError(f"Expected layers of 0 to {config.num_layers}, got {layers}. Change --layers.")
    batch = jax.tree.map(jnp.asarray, batch)
    graphs, _ = _structure(config)
    context, table = make_context(config, params, batch), layer_table(config)
    state = nnx.merge(graphs["embed"], params["embed"])(batch.tokens, batch.positions)
    outputs = {0: emit(state)} if 0 in layers else {}
    middle = tuple(sorted({layer for layer in layers if 0 < layer < config.num_layers}))
    blocks = params["blocks"]

    def block(state: jax.Array, index: Any, context: Context) -> jax.Array:
        # Indexing the stacked leaves here, not as scanned inputs: a shorter scan would copy the slice of the weights.
        take = lambda leaf: jax.lax.dynamic_index_in_dim(leaf, index, keepdims=False)  # noqa: E731
        weights = blocks[index] if isinstance(blocks, tuple) else jax.tree.map(take, blocks)
        return nnx.merge(graphs["blocks"], weights)(state, context, jax.tree.map(take, table))

    over = _looped if isinstance(blocks, tuple) else _scanned
    step = partial(block, context=context)
    state, found = over(step, state, depth if last_picks is None else depth - 1, middle, emit)
    outputs.update(found)
    if last_picks is not None:
        state = block(state, config.num_layers - 1, focus_context(context, jnp.asarray(last_picks)))
    if config.num_layers in layers:
        if config.final_norm:
            state = nnx.merge(graphs["norm"], params["norm"])(state)
        outputs[config.num_layers] = (emit_last or emit)(state)
    return jnp.stack([outputs[layer] for layer in layers])


def _looped(
    step: Step, state: jax.Array, count: int, middle: tuple[int, ...], emit: Emit
) -> tuple[jax.Array, dict[int, jax.Array]]:
    """Returns the state after `count` blocks, and what is kept of the layers of `middle`."""
    found = {}
    for index in range(count):
        state = step(state, index)
        if index + 1 in middle:
            found[index + 1] = emit(state)
    return state, found


def _scanned(
    step: Step, state: jax.Array, count: int, middle: tuple[int, ...], emit: Emit
) -> tuple[jax.Array, dict[int, jax.Array]]:
    """Returns the same as `_looped`, with one block compiled."""
    if not middle:
        return jax.lax.scan(lambda state, index: (step(state, index), None), state, jnp.arange(count))[0], {}
    places = np.full(count, len(middle), np.int32)  # the last row of the buffer takes what nobody asked for
    places[[layer - 1 for layer in middle]] = np.arange(len(middle))

    def one(carry: tuple[jax.Array, jax.Array], index: jax.Array) -> tuple[tuple, None]:
        state = step(carry[0], index)
        return (state, jax.lax.dynamic_update_index_in_dim(carry[1], emit(state), jnp.asarray(places)[index], 0)), None

    buffer = jnp.zeros((len(middle) + 1, *jax.eval_shape(emit, state).shape), jnp.float32)
    (state, buffer), _ = jax.lax.scan(one, (state, buffer), jnp.arange(count))
    return state, {layer: buffer[place] for place, layer in enumerate(middle)}


def layer_table(config: Config) -> Layer:
    """Returns window and rope of each layer, (layer,) int32 each."""
    windows = [window or NO_WINDOW for window in config.windows or (0,) * config.num_layers]
    kinds = config.rope_kinds or (0,) * config.num_layers
    return Layer(jnp.asarray(windows, jnp.int32), jnp.asarray(kinds, jnp.int32))


def make_context(config: Config, params: Params, batch: Any) -> Context:
    """Returns what the blocks share: slot q sees slot k iff seen_from[k] <= q < seen_to[k]."""
    slots = jnp.arange(batch.tokens.shape[1], dtype=jnp.int32)[None, :, None]
    visible = (batch.seen_from[:, None, :] <= slots) & (slots < batch.seen_to[:, None, :])
    distance = batch.positions[:, None, :] - batch.positions[:, :, None]
    angles = rope_angles(config.ropes, batch.positions) if config.positions == "rope" else None
    bias = alibi(config.heads, batch.positions) if config.positions == "alibi" else None
    if "buckets" in params:
        bias = bucket_bias(config, params["buckets"]["embedding"], distance)
    return Context(visible, distance, angles, bias, None)


def focus_context(context: Context, picks: jax.Array) -> Context:
    """Returns the context with the queries of `picks` (row, pick) only."""
    rows = picks[:, :, None]
    bias = context.bias
    if bias is not None and bias.shape[2] > 1:
        bias = jnp.take_along_axis(bias, rows[:, None], axis=2)
    visible = jnp.take_along_axis(context.visible, rows, axis=1)
    return Context(visible, jnp.take_along_axis(context.distance, rows, axis=1), context.angles, bias, picks)
