"""The decoder's block at its first token: self-attention is its value, cross attention sees the text only."""

import jax.numpy as jnp
import numpy as np
from flax import nnx

from jaxalign.models.config import Config
from jaxalign.models.t5_decoder import Cross, DecoderBlock

CONFIG = Config(
    family="t5", vocab=31, width=12, num_layers=1, heads=2, kv_heads=2, head_dim=5, mlp_width=20, eps=1e-6,
    max_length=16, positions="buckets", buckets=8, bucket_distance=16, causal=False, decoder_layers=1,
)  # fmt: skip


def inputs():
    draw = np.random.default_rng(0)
    state, encoded = (draw.normal(size=(2, count, 12)).astype(np.float32) for count in (3, 7))
    visible = draw.random((2, 3, 7)) < 0.5
    visible[..., 2] = True
    return state, encoded, visible


def test_cross_attention_is_a_softmax_without_scale():
    cross = Cross(CONFIG, nnx.Rngs(0))
    state, encoded, visible = inputs()
    kernels = [np.asarray(part.kernel[...], np.float64) for part in (cross.query, cross.key, cross.value, cross.output)]
    query, key, value = (values @ kernel for values, kernel in zip((state, encoded, encoded), kernels, strict=False))
    mixed = np.zeros((2, 3, 10))
    for head in (slice(0, 5), slice(5, 10)):
        logits = np.where(visible, np.einsum("rqf,rsf->rqs", query[..., head], key[..., head]), -np.inf)
        weights = np.exp(logits - logits.max(-1, keepdims=True))
        mixed[..., head] = weights / weights.sum(-1, keepdims=True) @ value[..., head]
    np.testing.assert_allclose(cross(state, encoded, visible), mixed @ kernels[3], atol=1e-5)


def test_the_block_adds_value_cross_attention_and_mlp_in_turn():
    block = DecoderBlock(CONFIG, nnx.Rngs(1))
    state, encoded, visible = inputs()
    first = state + block.output(block.value(block.attention_norm(state)))
    second = first + block.cross(block.cross_norm(first), encoded, visible)
    expected = second + block.mlp(block.mlp_norm(second))
    np.testing.assert_allclose(block(jnp.asarray(state), encoded, visible), expected, atol=1e-6)
