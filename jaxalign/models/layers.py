"""Norms, attention inside a row, gated and plain MLP, and the block that combines them."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Bool, Float, Float32, Int32

from jaxalign.models import products
from jaxalign.models.config import Config
from jaxalign.models.position_bias import bucket_bias
from jaxalign.models.rope import Turns, rotate

# On NVIDIA float32 products default to TF32; parity and Procrustes need all 24 bits.
HIGHEST = jax.lax.Precision.HIGHEST


class Context(NamedTuple):
    """What every block is given with the state.

    A query sees keys: the slots of its row, after the earlier slots of other rows where `before` numbers them, counted
    through all rows. `query_slots`: the slots whose queries are computed, (row, vector); None: all.
    """

    visible: Bool[jax.Array, "row query key"]
    distance: Int32[jax.Array, "row query key"]  # position of the key minus position of the query
    turns: Turns | None  # of each rope
    bias: Float32[jax.Array, "#row head #query key"] | None  # added to the logits
    query_slots: Int32[jax.Array, "row vector"] | None
    relative: Float[jax.Array, "bucket feature"] | None = None  # vectors of relative positions, DeBERTa
    before: Int32[jax.Array, "row earlier"] | None = None


class Layer(NamedTuple):
    """What differs from block to block except the weights; scanned over."""

    window: Int32[jax.Array, ""]
    rope: Int32[jax.Array, ""]
    normed: Bool[jax.Array, ""]  # attention has a norm of its input


def activate(name: str, values: jax.Array) -> jax.Array:
    """Returns the activation; "gelu" is the exact one (erf), "gelu_tanh" its tanh form."""
    if name == "gelu":  # by erfc, as jax.nn has it, it takes a CPU almost three times as long
        return 0.5 * values * (1 + jax.lax.erf(values * np.sqrt(0.5).astype(values.dtype)))
    if name == "gelu_tanh":
        return jax.nn.gelu(values, approximate=True)
    return jax.nn.silu(values) if name == "silu" else jax.nn.relu(values)


class Norm(nnx.Module):
    """RMS or layer norm over the last axis, in float32.

    "rms": x / sqrt(mean(x^2) + eps), cast, times scale (Llama and T5 cast before the scale);
    "rms_float32": times scale in float32, then cast (OLMo 2); "rms_offset": times (1 + scale) in float32, then cast
    (Gemma); "layer": (x - mean) / sqrt(var + eps) * scale + bias.
    """

    def __init__(self, config: Config, *shape: int, bias: bool = False, of_heads: bool = False):
        self.kind, self.eps = config.norm, config.eps
        self.by_halves = config.short_sums and products.sums_are_long(config.dtype)
        # XLA's CPU library sums over each head's features at the speed of single numbers: 4 % of Gemma 3 in bfloat16.
        self.by_halves |= of_heads and products.sums_float32(config.dtype)
        initial = jnp.zeros if config.norm == "rms_offset" else jnp.ones
        self.scale = nnx.Param(initial(shape, config.dtype))
        self.bias = nnx.Param(jnp.zeros(shape, config.dtype)) if bias else None

    def __call__(self, state: jax.Array) -> jax.Array:
        """The normed state, (..., feature), computed in float32 and returned in the state's dtype."""
        wide, scale = state.astype(jnp.float32), _spread(self.scale[...], state)
        if self.kind == "layer":
            wide = wide - wide.mean(-1, keepdims=True)
        square = products.mean_of_squares(wide) if self.by_halves else jnp.mean(wide * wide, -1, keepdims=True)
        wide = wide * jax.lax.rsqrt(square + self.eps)
        if self.kind == "rms":
            return wide.astype(state.dtype) * scale
        wide = wide * (scale.astype(jnp.float32) + (1.0 if self.kind == "rms_offset" else 0.0))
        if self.bias is not None:
            wide = wide + _spread(self.bias[...], state).astype(jnp.float32)
        return wide.astype(state.dtype)


def _spread(scale: jax.Array, state: jax.Array) -> jax.Array:
    return scale.reshape((1,) * (state.ndim - scale.ndim) + scale.shape)


def linear(
    config: Config, inputs: int, outputs: int, bias: bool, rngs: nnx.Rngs, *, pieces: int = 1
) -> nnx.Linear:  # fmt: skip
    """Returns a product with a kernel (inputs, outputs) in the config's dtype at full precision; see `products`."""
    return nnx.Linear(
        inputs, outputs, use_bias=bias, dtype=config.dtype, param_dtype=config.dtype, precision=HIGHEST,
        dot_general=products.dot_general(config.dtype, pieces), rngs=rngs,
    )  # fmt: skip


class Attention(nnx.Module):
    """Softmax attention over the slots of a row; query head n reads kv head n // (heads / kv_heads)."""

    def __init__(self, config: Config, rngs: nnx.Rngs):
        self.config = config
        bias = config.attention_bias
        self.query = linear(config, config.width, config.query_width, bias, rngs)
        self.key = linear(config, config.width, config.kv_width, bias, rngs)
        self.value = linear(config, config.width, config.kv_width, bias, rngs)
        self.logit_pieces = output_pieces = 1
        if config.short_sums:
            self.logit_pieces = products.pieces_of(config.head_dim, products.LOGIT_PIECE, config.dtype)
            output_pieces = products.pieces_of(config.query_width, products.OUTPUT_PIECE, config.dtype)
        self.output = linear(config, config.query_width, config.width, config.output_bias, rngs, pieces=output_pieces)
        self.query_norm = head_norm(config, config.heads)
        self.key_norm = head_norm(config, config.kv_heads)
        self.buckets: Any = bucket_table(config, rngs) if config.bucket_each_layer else None

    def __call__(self, state: jax.Array, context: Context, layer: Layer) -> jax.Array:
        """(row, slot, feature) -> the same shape, or (row, vector, feature) where the context selects queries."""
        config, focused = self.config, focus(state, context.query_slots)
        query, key = self.query(focused), self.key(state)
        if config.head_norm == "whole":
            query, key = self.query_norm(query), self.key_norm(key)
        query, key = _split(query, config.heads), _split(key, config.kv_heads)
        value = _split(self.value(state), config.kv_heads)
        if config.head_norm in ("shared", "each"):
            query, key = self.query_norm(query), self.key_norm(key)
        if context.turns is not None:
            turns = Turns(*(jnp.take(table, layer.rope, axis=0) for table in context.turns))
            focused_turns = Turns(*(focus(table, context.query_slots) for table in turns))
            query = rotate(query, focused_turns, interleaved=config.rope_interleaved)
            key = rotate(key, turns, interleaved=config.rope_interleaved)
        key, value = with_earlier(key, context.before), with_earlier(value, context.before)
        visible = context.visible
        if config.windows:
            visible = visible & (jnp.abs(context.distance) < layer.window)
        bias = context.bias
        if self.buckets is not None:
            bias = bucket_bias(config, self.buckets.embedding[...], context.distance)
        mixed = attend(query, key, value, visible, bias, config.scale, config.logit_cap, self.logit_pieces)
        return self.output(mixed)


def head_norm(config: Config, heads: int) -> Any:
    """Returns the norm of queries or keys: over each head's features, over all heads together, or None."""
    if not config.head_norm:
        return None
    if config.head_norm == "whole":
        return Norm(config, heads * config.head_dim)
    shape = (config.head_dim,) if config.head_norm == "shared" else (heads, config.head_dim)
    return Norm(config, *shape, of_heads=True)


def bucket_table(config: Config, rngs: nnx.Rngs) -> nnx.Embed:
    """Returns T5's bias for each (bucket, head)."""
    return nnx.Embed(config.buckets, config.heads, param_dtype=config.dtype, rngs=rngs)


def block_norm(config: Config) -> Norm:
    """Returns a norm over the whole state."""
    return Norm(config, config.width, bias=config.norm_bias)


def attend(
    query: Float[jax.Array, "row query head feature"],
    key: Float[jax.Array, "row slot kv_head feature"],
    value: Float[jax.Array, "row slot kv_head feature"],
    visible: Bool[jax.Array, "row query slot"],
    bias: Float32[jax.Array, "#row head #query slot"] | None,
    scale: float,
    cap: float,
    pieces: int = 1,
) -> Float[jax.Array, "row query mixed"]:
    """Returns softmax(cap(scale q k) + bias) v, (row, query, head * feature); logits and softmax in float32.

    The head axis is moved to the front first, and the result is divided by the sum of the softmax last: on a CPU this
    is two to four times as fast as products in the order of the projections with every weight divided. A logit is the
    sum of `pieces` partial sums over the features of a head.
    """
    rows, queries, heads, size = query.shape
    key, value = key.swapaxes(1, 2), value.swapaxes(1, 2)
    shape = (rows, key.shape[1], -1, size)  # query heads that read the same kv head follow each other
    query = query.swapaxes(1, 2).reshape(shape)
    parts = [
        jnp.einsum("rhqf,rhsf->rhqs", some, others, precision=HIGHEST, preferred_element_type=jnp.float32)
        for some, others in zip(jnp.split(query, pieces, -1), jnp.split(key, pieces, -1), strict=True)
    ]
    logits = functools.reduce(jnp.add, parts)
    logits = logits.reshape(rows, heads, queries, -1) * scale
    if cap:
        logits = jnp.tanh(logits / cap) * cap
    if bias is not None:
        logits = logits + bias
    logits = jnp.where(visible[:, None], logits, -jnp.inf)
    weights = jnp.exp(logits - logits.max(-1, keepdims=True))
    total = weights.sum(-1, keepdims=True)
    weights = weights.astype(value.dtype).reshape(*shape[:2], -1, key.shape[2])
    mixed = jnp.einsum("rhqs,rhsf->rhqf", weights, value, precision=HIGHEST, preferred_element_type=jnp.float32)
    mixed = (mixed.reshape(rows, heads, queries, size) / total).astype(value.dtype)
    return mixed.swapaxes(1, 2).reshape(rows, queries, heads * size)


def _split(flat: jax.Array, heads: int) -> jax.Array:
    return flat.reshape(*flat.shape[:-1], heads, -1)


def with_earlier(values: jax.Array, before: Int32[jax.Array, "row earlier"] | None) -> jax.Array:
    """Returns (row, earlier + slot, ...) out of (row, slot, ...): first the slots that `before` numbers."""
    if before is None:
        return values
    return jnp.concatenate([values.reshape(-1, *values.shape[2:])[before], values], axis=1)


def focus(values: jax.Array, query_slots: jax.Array | None) -> jax.Array:
    """Returns (row, vector, ...) out of (row, slot, ...), or all slots where `query_slots` is None."""
    return values if query_slots is None else jnp.take_along_axis(values, query_slots[:, :, None], axis=1)


class Mlp(nnx.Module):
    """down(activation(gate x) * up x), or down(activation(up x)) where the family has no gate."""

    def __init__(self, config: Config, rngs: nnx.Rngs):
        self.activation = config.activation
        self.xielu: Any = Xielu(config) if config.activation == "xielu" else None
        self.gate = linear(config, config.width, config.mlp_width, config.mlp_bias, rngs) if config.gated else None
        self.up = linear(config, config.width, config.mlp_width, config.mlp_bias, rngs)
        self.down = linear(config, config.mlp_width, config.width, config.mlp_bias, rngs)

    def __call__(self, state: jax.Array) -> jax.Array:
        """(..., feature) -> the same shape."""
        if self.xielu is not None:
            return self.down(self.xielu(self.up(state)))
        if self.gate is None:
            return self.down(activate(self.activation, self.up(state)))
        return self.down(activate(self.activation, self.gate(state)) * self.up(state))


class Xielu(nnx.Module):
    """xIELU (Huang & Schlag 2024, arXiv:2411.13010) with a learned slope on either side of 0.

    a x^2 + beta x for x > 0, else (exp(min(x, eps)) - 1 - x) b + beta x; a = softplus(positive),
    b = beta + softplus(negative).
    """

    def __init__(self, config: Config):
        self.positive = nnx.Param(jnp.asarray(0.2, config.dtype))
        self.negative = nnx.Param(jnp.asarray(-1.05, config.dtype))
        self.beta = nnx.Param(jnp.asarray(0.5, config.dtype))
        self.eps = nnx.Param(jnp.asarray(-1e-6, config.dtype))

    def __call__(self, values: jax.Array) -> jax.Array:
        """(..., feature) -> the same shape."""
        beta = self.beta[...]
        positive, negative = jax.nn.softplus(self.positive[...]), beta + jax.nn.softplus(self.negative[...])
        below = (jnp.expm1(jnp.minimum(values, self.eps[...])) - values) * negative
        return jnp.where(values > 0, positive * values * values, below) + beta * values
