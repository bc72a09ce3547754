"""The model as one Flax module: tokens -> hidden states of the chosen layers.

    model(tokens)                        # (layer + 1, batch, token, feature), layers as in transformers
    model(tokens, layers="last")         # (1, batch, token, feature)

Layer 0 is the embedding, the last layer comes after the final norm.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Bool, Float32, Int

from jaxalign.models.block import Block
from jaxalign.models.config import Config
from jaxalign.models.disentangled import RelativePositions
from jaxalign.models.layers import Context, Layer, block_norm, bucket_table, with_earlier
from jaxalign.models.position_bias import alibi, bucket_bias, sinusoid
from jaxalign.models.products import state_dtype, taken
from jaxalign.models.rope import turns_at
from jaxalign.models.t5_decoder import Decoder
from jaxalign.types import InputError

Keep = Callable[[jax.Array], jax.Array]  # what is kept of a layer's states
Step = Callable[[jax.Array, Any], jax.Array]  # (state, number of a block) -> state after that block
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
        """(..., token) ids and positions -> (..., token, feature)."""
        config, state = self.config, self.tokens(tokens)
        if config.embed_scale != 1.0:
            # Gemma rounds the factor to the weights' dtype, as its training did.
            state = state * jnp.asarray(config.embed_scale, state.dtype)
        if self.types is not None:
            state = state + self.types(jnp.zeros_like(tokens))
        if self.positions is not None:
            state = state + self.positions(positions + config.position_offset)
        if config.positions == "sinusoid":
            waves = sinusoid(positions + config.position_offset, config.width)
            if config.pad_token >= 0:
                waves = jnp.where(positions[..., None] < 0, 0, waves)
            state = state + waves.astype(state.dtype)
        state = state if self.norm is None else self.norm(state)
        return state.astype(state_dtype(config.dtype))


def make_parts(config: Config, rngs: nnx.Rngs) -> dict[str, Any]:
    """Returns the parts of a model with a single block each in the stack and in the decoder."""
    parts: dict[str, Any] = {"embed": Embed(config, rngs), "blocks": Block(config, rngs)}
    if config.final_norm:
        parts["norm"] = block_norm(config)
    if config.buckets and not config.bucket_each_layer:
        parts["buckets"] = bucket_table(config, rngs)
    if config.relative:
        parts["relative"] = RelativePositions(config, rngs)
    if config.decoder_layers:
        parts["decoder"] = Decoder(config, rngs)
    return parts


def make_stacked_parts(config: Config, key: jax.Array) -> dict[str, Any]:
    """Returns the parts of a whole model; leaves of blocks have a leading layer axis, drawn layer by layer."""
    rest, layers = jax.random.split(key)
    parts = make_parts(config, nnx.Rngs(rest))

    def stack(single: nnx.Module, keys: jax.Array, take: Callable[[dict[str, Any]], nnx.Module]) -> Any:
        def draw(each: jax.Array) -> Any:
            return nnx.to_pure_dict(nnx.state(take(make_parts(config, nnx.Rngs(each)))))

        return nnx.merge(nnx.graphdef(single), jax.lax.map(draw, keys))

    keys = jax.random.split(layers, config.num_layers)
    parts["blocks"] = stack(parts["blocks"], keys, lambda drawn: drawn["blocks"])
    if config.decoder_layers:
        keys = jax.random.split(jax.random.fold_in(layers, 1), config.decoder_layers)
        parts["decoder"].blocks = stack(parts["decoder"].blocks, keys, lambda drawn: drawn["decoder"].blocks)
    return parts


class Transformer(nnx.Module):
    """Embedding, `num_layers` blocks, final norm; vectors of relative positions; T5's decoder.

    `blocks` is one `Block` whose leaves are stacked over the layers, (layer, ...), or a list of blocks, see
    `parameters.unstacked`.
    """

    def __init__(self, config: Config, rngs: nnx.Rngs):
        parts = make_stacked_parts(config, rngs.params())
        self.config = config
        self.embed: Any = parts["embed"]
        self.blocks: Any = parts["blocks"]
        self.norm: Any = parts.get("norm")
        self.buckets: Any = parts.get("buckets")
        self.relative: Any = parts.get("relative")
        self.decoder: Any = parts.get("decoder")

    def __call__(
        self,
        tokens: Int[Any, "batch token"],
        positions: Int[Any, "batch token"] | None = None,
        mask: Bool[Any, "batch token"] | Bool[Any, "batch query token"] | None = None,
        *,
        layers: Any = "all",
        keep: Keep | None = None,
        last_slots: Int[jax.Array, "batch vector"] | None = None,
        keep_last: Keep | None = None,
        before: Int[jax.Array, "batch earlier"] | None = None,
    ) -> Float32[jax.Array, "layer batch token feature"]:
        """Returns the hidden states of the chosen layers, (layer, batch, token, feature) float32.

        Layer 0 is the embedding, layer `num_layers` the state after the final norm, as in transformers'
        `hidden_states`. `layers`: "all", "last", a number, or numbers; negative numbers count from the last layer.

        `mask` (batch, token): True for tokens of the text, False for padding. `mask` (batch, query, token): exactly
        the tokens that each token sees. `positions`: place of each token in its text, from 0; without it the tokens of
        `mask` are counted. `keep(states)` (batch, ...) -> (batch, ...) float32 is what leaves of each layer in place
        of all its states: pooling inside the scan keeps memory small. `last_slots`: the last block computes the
        queries and the MLP of these slots only; `keep_last` is given its states, (batch, vector, feature). `before`:
        tokens of other rows, numbered through all rows, that a row sees before its own; `mask` has them too.
        """
        config = self.config
        chosen = chosen_layers(config.num_layers, layers)
        tokens = jnp.asarray(tokens)
        if tokens.ndim != 2:
            raise InputError(f"Expected tokens of shape (batch, token), got {tokens.shape}. Add the missing axis.")
        if mask is not None and mask.ndim == 2 and positions is None:
            positions = jnp.maximum(jnp.cumsum(mask, axis=1, dtype=jnp.int32) - 1, 0)
        if positions is None:
            positions = jnp.broadcast_to(jnp.arange(tokens.shape[1], dtype=jnp.int32), tokens.shape)
        context = self.make_context(positions, visible_tokens(tokens.shape, mask, config.causal), before)
        keep = keep or as_float32
        last = (last_slots, keep_last or keep)
        if config.pad_token >= 0:
            positions = skip_padding(tokens, positions, context, config.pad_token)
        return self._states(self.embed(tokens, positions), context, chosen, keep, last)

    def make_context(
        self,
        positions: Int[jax.Array, "batch token"],
        visible: Bool[jax.Array, "batch query key"],
        before: Int[jax.Array, "batch earlier"] | None = None,
    ) -> Context:
        """Returns what all blocks share: who sees whom, distances, turns of RoPE, bias of positions."""
        config = self.config
        keys = with_earlier(positions, before)
        distance = keys[:, None, :] - positions[:, :, None]
        turns = None
        if config.positions == "rope":
            turns = turns_at(config.ropes, positions, interleaved=config.rope_interleaved)
        bias = alibi(config.heads, keys) if config.positions == "alibi" else None
        if self.buckets is not None:
            bias = bucket_bias(config, self.buckets.embedding[...], distance)
        relative = None if self.relative is None else self.relative()
        return Context(visible, distance, turns, bias, None, relative, before)

    def _states(
        self, state: jax.Array, context: Context, layers: tuple[int, ...], keep: Keep,
        last: tuple[jax.Array | None, Keep],
    ) -> jax.Array:  # fmt: skip
        count, depth, (last_slots, keep_last) = self.config.num_layers, max(layers), last
        table = layer_table(self.config)
        outputs = {0: keep(state)} if 0 in layers else {}
        middle = tuple(sorted({layer for layer in layers if 0 < layer < count}))
        listed = isinstance(self.blocks, nnx.List)
        graph, weights = nnx.split(self.blocks)

        def block(state: jax.Array, index: Any, context: Context) -> jax.Array:
            # Weights are not scanned inputs: a shorter scan would copy that part of them.
            weight = partial(taken, index=index)
            setting = partial(jax.lax.dynamic_index_in_dim, index=index, keepdims=False)
            module = self.blocks[index] if listed else nnx.merge(graph, jax.tree.map(weight, weights))
            return module(state, context, jax.tree.map(setting, table))

        def step(state: jax.Array, index: Any) -> jax.Array:
            return block(state, index, context)

        run = run_in_loop if listed else run_in_scan
        state, kept = run(step, state, depth if last_slots is None else count - 1, middle, keep)
        outputs.update(kept)
        if last_slots is not None:
            state = block(state, count - 1, select_queries(context, jnp.asarray(last_slots)))
        if count in layers:
            outputs[count] = keep_last(state if self.norm is None else self.norm(state))
        return jnp.stack([outputs[layer] for layer in layers])


def as_float32(state: jax.Array) -> jax.Array:
    """The state in float32, in which vectors are pooled and kept."""
    return state.astype(jnp.float32)


def chosen_layers(num_layers: int, layers: Any) -> tuple[int, ...]:
    """Returns the layer numbers of "all", "last", a number, or numbers; negative numbers count from the last."""
    if isinstance(layers, str):
        if layers not in ("all", "last"):
            raise InputError(f"Expected layers 'all', 'last' or numbers, got {layers!r}. Change --layers.")
        return tuple(range(num_layers + 1)) if layers == "all" else (num_layers,)
    numbers = tuple(layers) if isinstance(layers, Iterable) else (layers,)
    if not numbers or not all(-num_layers - 1 <= number <= num_layers for number in numbers):
        raise InputError(f"Expected layers of 0 to {num_layers}, got {layers}. Change --layers.")
    return tuple(int(number) % (num_layers + 1) for number in numbers)


def visible_tokens(
    shape: tuple[int, ...], mask: jax.Array | None, causal: bool
) -> Bool[jax.Array, "batch query token"]:
    """Returns which tokens each token sees; a token always sees itself, so that no softmax is over nothing."""
    batch, length = shape
    if mask is not None and mask.ndim == 3:
        return jnp.asarray(mask, bool)
    itself = jnp.eye(length, dtype=bool)
    before = jnp.tri(length, dtype=bool) if causal else jnp.ones((length, length), bool)
    if mask is None:
        return jnp.broadcast_to(before, (batch, length, length))
    return (before & jnp.asarray(mask, bool)[:, None, :]) | itself


def skip_padding(tokens: jax.Array, positions: jax.Array, context: Context, pad: int) -> jax.Array:
    """Returns positions that count no padding token of the text, -1 for the padding tokens, as XLM-R has them.

    A text may hold the padding token as a word, "<pad>" in a page of code.
    """
    is_pad = tokens == pad
    earlier = context.visible & with_earlier(is_pad, context.before)[:, None, :] & (context.distance < 0)
    return jnp.where(is_pad, -1, positions - earlier.sum(-1, dtype=jnp.int32))


def layer_table(config: Config) -> Layer:
    """Returns window, rope and whether attention is normed for each layer, (layer,) each."""
    windows = [window or NO_WINDOW for window in config.windows or (0,) * config.num_layers]
    kinds = config.rope_kinds or (0,) * config.num_layers
    normed = jnp.arange(config.num_layers) > 0 if config.unnormed_first else jnp.ones(config.num_layers, bool)
    return Layer(jnp.asarray(windows, jnp.int32), jnp.asarray(kinds, jnp.int32), normed)


class RunStates(NamedTuple):
    """What a run of blocks gives."""

    state: jax.Array  # after the last block
    kept: dict[int, jax.Array]  # layer -> what is kept of it


def run_in_loop(step: Step, state: jax.Array, count: int, middle: tuple[int, ...], keep: Keep) -> RunStates:
    """Returns the state after `count` blocks, and what is kept of the layers in `middle`."""
    kept = {}
    for index in range(count):
        state = step(state, index)
        if index + 1 in middle:
            kept[index + 1] = keep(state)
    return RunStates(state, kept)


def run_in_scan(step: Step, state: jax.Array, count: int, middle: tuple[int, ...], keep: Keep) -> RunStates:
    """Returns the same as `run_in_loop`; one block is compiled, whatever the number of layers."""
    if not middle:
        last, _ = jax.lax.scan(lambda state, index: (step(state, index), None), state, jnp.arange(count))
        return RunStates(last, {})
    places = np.full(count, len(middle), np.int32)  # layers that nobody asked for share the last row of the buffer
    places[[layer - 1 for layer in middle]] = np.arange(len(middle))

    def step_and_keep(carry: tuple[jax.Array, jax.Array], index: jax.Array) -> tuple[tuple, None]:
        state = step(carry[0], index)
        kept = jax.lax.dynamic_update_index_in_dim(carry[1], keep(state), jnp.asarray(places)[index], 0)
        return (state, kept), None

    buffer = jnp.zeros((len(middle) + 1, *jax.eval_shape(keep, state).shape), jnp.float32)
    (state, buffer), _ = jax.lax.scan(step_and_keep, (state, buffer), jnp.arange(count))
    return RunStates(state, {layer: buffer[place] for place, layer in enumerate(middle)})


def select_queries(context: Context, slots: jax.Array) -> Context:
    """Returns the context with the queries at `slots` (batch, vector) only."""
    rows = slots[:, :, None]
    bias = context.bias
    if bias is not None and bias.shape[2] > 1:
        bias = jnp.take_along_axis(bias, rows[:, None], axis=2)
    visible = jnp.take_along_axis(context.visible, rows, axis=1)
    distance = jnp.take_along_axis(context.distance, rows, axis=1)
    return Context(visible, distance, context.turns, bias, slots, context.relative, context.before)
