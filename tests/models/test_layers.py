"""Norms, attention and MLP against float64 NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jaxalign.models.config import Config
from jaxalign.models.layers import Attention, Context, Layer, Mlp, Norm, Xielu, activate, attend, focus

SHAPE = dict(family="llama", vocab=31, width=12, num_layers=2, heads=4, kv_heads=2, head_dim=3, mlp_width=20, eps=1e-3,
             max_length=64, scale=0.5)  # fmt: skip
DRAW = np.random.default_rng(0)


def normal(*shape):
    return DRAW.normal(size=shape).astype(np.float32)


def softmax_attention(query, key, value, visible, bias, scale, cap):
    """(row, query, head * feature) in float64, one head after the other."""
    rows, queries, heads, size = query.shape
    mixed = np.zeros((rows, queries, heads, size))
    for head in range(heads):
        own = head // (heads // key.shape[2])
        logits = np.einsum("rqf,rsf->rqs", query[:, :, head], key[:, :, own], dtype=np.float64) * scale
        logits = np.tanh(logits / cap) * cap if cap else logits
        logits = np.where(visible, logits + bias[:, head], -np.inf)
        weights = np.exp(logits - logits.max(-1, keepdims=True))
        mixed[:, :, head] = weights / weights.sum(-1, keepdims=True) @ value[:, :, own].astype(np.float64)
    return mixed.reshape(rows, queries, -1)


@pytest.mark.parametrize("cap", [0.0, 1.5])
@pytest.mark.parametrize("pieces", [1, 2])
def test_attention_is_a_softmax_over_visible_slots(cap, pieces):
    query, key, value = normal(2, 5, 4, 6), normal(2, 7, 2, 6), normal(2, 7, 2, 6)
    visible = DRAW.random((2, 5, 7)) < 0.6
    visible[..., 0] = True
    bias = normal(2, 4, 5, 7)
    found = attend(query, key, value, visible, bias, 0.7, cap, pieces)
    np.testing.assert_allclose(found, softmax_attention(query, key, value, visible, bias, 0.7, cap), atol=1e-6)


@pytest.mark.parametrize("kind", ["rms", "rms_offset", "rms_float32", "layer"])
def test_norms(kind):
    norm = Norm(Config(**SHAPE, norm=kind), 12, bias=kind == "layer")
    norm.scale[...] = normal(12)
    if kind == "layer":
        norm.bias[...] = normal(12)
    state = 3 * normal(2, 5, 12) + 1
    wide = state.astype(np.float64)
    wide = wide - wide.mean(-1, keepdims=True) if kind == "layer" else wide
    expected = wide / np.sqrt((wide**2).mean(-1, keepdims=True) + 1e-3)
    expected = expected * (np.asarray(norm.scale[...]) + (kind == "rms_offset"))
    expected = expected + (np.asarray(norm.bias[...]) if kind == "layer" else 0)
    np.testing.assert_allclose(norm(state), expected, atol=1e-5)


def test_activations():
    from scipy.special import erf, expit

    values = np.linspace(-4, 4, 41).astype(np.float32)
    wide = values.astype(np.float64)
    tanh = 0.5 * wide * (1 + np.tanh(np.sqrt(2 / np.pi) * (wide + 0.044715 * wide**3)))
    for name, expected in (
        ("silu", wide * expit(wide)), ("relu", np.maximum(wide, 0)), ("gelu_tanh", tanh),
        ("gelu", wide * 0.5 * (1 + erf(wide / np.sqrt(2)))),
    ):  # fmt: skip
        np.testing.assert_allclose(activate(name, jnp.asarray(values)), expected, atol=1e-6)


def test_xielu_as_in_its_paper():
    layer = Xielu(Config(**SHAPE))
    values = np.linspace(-3, 3, 31)
    a, b, beta = np.log1p(np.exp(0.2)), 0.5 + np.log1p(np.exp(-1.05)), 0.5
    below = (np.expm1(np.minimum(values, -1e-6)) - values) * b + beta * values
    expected = np.where(values > 0, a * values**2 + beta * values, below)
    np.testing.assert_allclose(layer(jnp.asarray(values, jnp.float32)), expected, atol=1e-5)


@pytest.mark.parametrize("gated", [True, False])
def test_mlp(gated):
    mlp = Mlp(Config(**SHAPE, gated=gated, activation="relu"), nnx.Rngs(0))
    state = normal(2, 5, 12)
    up, down = np.asarray(mlp.up.kernel[...]), np.asarray(mlp.down.kernel[...])
    if gated:
        expected = (np.maximum(state @ np.asarray(mlp.gate.kernel[...]), 0) * (state @ up)) @ down
    else:
        expected = np.maximum(state @ up, 0) @ down
    np.testing.assert_allclose(mlp(state), expected, atol=1e-5)
    assert (mlp.gate is not None) == gated


def test_a_window_and_selected_queries():
    """Each slot sees the slots nearer than the window; the queries of two slots only are the rows of all."""
    attention = Attention(Config(**SHAPE, windows=(3, 3), positions="none"), nnx.Rngs(1))
    state = normal(1, 6, 12)
    distance = jnp.arange(6)[None, None, :] - jnp.arange(6)[None, :, None]
    visible = jnp.ones((1, 6, 6), bool)
    layer = Layer(jnp.int32(3), jnp.int32(0), jnp.bool_(True))
    whole = attention(state, Context(visible, distance, None, None, None), layer)
    query, key, value = (np.asarray(part(state)).reshape(1, 6, -1, 3)
                         for part in (attention.query, attention.key, attention.value))  # fmt: skip
    near = np.abs(np.asarray(distance)) < 3
    mixed = softmax_attention(query, key, value, near, np.zeros((1, 4, 6, 6)), 0.5, 0.0)
    np.testing.assert_allclose(whole, mixed @ np.asarray(attention.output.kernel[...]), atol=1e-6)
    slots = jnp.asarray([[4, 1]])
    two = attention(state, Context(visible[:, [4, 1]], distance[:, [4, 1]], None, None, slots), layer)
    np.testing.assert_allclose(two, whole[:, [4, 1]], atol=1e-6)
    assert focus(state, None) is state
    assert jax.tree.map(float, focus(state, slots)[0, 0, 0]) == state[0, 4, 0]
