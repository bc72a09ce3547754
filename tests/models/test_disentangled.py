"""DeBERTa's relative positions: buckets as in transformers, logits as in the paper, one pair of tokens at a time."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jaxalign.models.config import Config
from jaxalign.models.disentangled import DisentangledAttention, bucket_of, span
from jaxalign.models.layers import Context, Layer

CONFIG = Config(
    family="deberta_v2", vocab=31, width=12, num_layers=1, heads=4, kv_heads=4, head_dim=3, mlp_width=20, eps=1e-7,
    max_length=16, positions="disentangled", buckets=4, bucket_distance=16, relative=("c2p", "p2c"),
    relative_shared=True, scale=(3 * 3) ** -0.5, causal=False,
)  # fmt: skip


@pytest.mark.parametrize(("buckets", "farthest"), [(32, 128), (256, 512), (4, 16)])
def test_buckets_are_those_of_transformers(buckets, farthest):
    torch = pytest.importorskip("torch")
    module = pytest.importorskip("transformers.models.deberta_v2.modeling_deberta_v2")
    distance = np.arange(-farthest, farthest + 1)
    expected = module.make_log_bucket_position(torch.tensor(distance), buckets, farthest)
    np.testing.assert_array_equal(bucket_of(distance, buckets, farthest), expected.numpy())


@pytest.mark.parametrize("relative", [("c2p", "p2c"), ("c2p",), ("p2c",), ()])
@pytest.mark.parametrize("shared", [True, False])
def test_logits_of_each_pair_of_tokens(relative, shared):
    config = dataclasses.replace(CONFIG, relative=relative, relative_shared=shared)
    attention = DisentangledAttention(config, nnx.Rngs(0))
    draw = np.random.default_rng(0)
    state = draw.normal(size=(6, 12)).astype(np.float32)
    vectors = draw.normal(size=(2 * span(config), 12)).astype(np.float32)
    positions = np.arange(6)
    distance = positions[None, :] - positions[:, None]  # slot minus query
    context = Context(jnp.ones((1, 6, 6), bool), jnp.asarray(distance)[None], None, None, None,
                      jnp.asarray(vectors) if relative else None)  # fmt: skip
    found = attention(jnp.asarray(state)[None], context, Layer(jnp.int32(0), jnp.int32(0), jnp.bool_(True)))[0]

    def heads(part, values):
        return np.asarray(part(jnp.asarray(values)), np.float64).reshape(len(values), 4, 3)

    query, key, value = (heads(part, state) for part in (attention.query, attention.key, attention.value))
    position_key = attention.key if shared else attention.position_key
    position_query = attention.query if shared else attention.position_query
    mixed = np.zeros((6, 4, 3))
    for head in range(4):
        logits = query[:, head] @ key[:, head].T
        for q in range(6):
            for k in range(6):
                bucket = np.clip(bucket_of(np.array(q - k), 4, 16) + span(config), 0, 2 * span(config) - 1)
                if "c2p" in relative:
                    logits[q, k] += query[q, head] @ heads(position_key, vectors)[bucket, head]
                if "p2c" in relative:
                    logits[q, k] += key[k, head] @ heads(position_query, vectors)[bucket, head]
        weights = np.exp(logits * config.scale)
        mixed[:, head] = weights / weights.sum(1, keepdims=True) @ value[:, head]
    expected = mixed.reshape(6, 12) @ np.asarray(attention.output.kernel[...]) + np.asarray(attention.output.bias[...])
    np.testing.assert_allclose(found, expected, atol=2e-6)
