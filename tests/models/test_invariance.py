"""A vector depends on its text alone, not on batch mates, padding, slot, row length or scan. Needs no torch."""

from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jaxalign import models
from jaxalign.embeddings import batches, packing, tokenize
from jaxalign.models import parameters, transformer
from jaxalign.models.packed import visible_slots
from jaxalign.models.parameters import merge
from tests.models.parity import pack, texts

DECODER = dict(
    vocab_size=97, hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=4,
    num_key_value_heads=2, max_position_embeddings=64, rms_norm_eps=1e-5, layer_norm_eps=1e-5, rope_theta=100.0,
)  # fmt: skip
RAW = {
    "llama": DECODER,
    "gemma2": DECODER | dict(query_pre_attn_scalar=16, sliding_window=5, attn_logit_softcapping=20.0),
    "bloom": dict(vocab_size=97, hidden_size=32, n_layer=3, num_attention_heads=4, layer_norm_epsilon=1e-5),
    "xglm": dict(vocab_size=97, d_model=32, ffn_dim=48, num_layers=3, attention_heads=4, pad_token_id=1),
    "t5": dict(vocab_size=97, d_model=32, d_kv=8, d_ff=48, num_layers=3, num_heads=4, layer_norm_epsilon=1e-6,
               relative_attention_num_buckets=8, feed_forward_proj="gated-gelu", decoder_start_token_id=0),
    "bert": DECODER | dict(type_vocab_size=2, hidden_act="gelu", layer_norm_eps=1e-12, pad_token_id=0),
}  # fmt: skip
LAYERS = (0, 1, 2, 3)


@lru_cache(maxsize=1)
def model(kind):
    """Config and parameters with random norms and biases: the defaults (1 and 0) hide what is wired wrongly."""
    config = models.read_config(RAW[kind] | {"model_type": kind})
    draw = np.random.default_rng(0)

    def jitter(leaf):
        return leaf + 0.3 * draw.normal(size=leaf.shape).astype(np.float32) if leaf.ndim <= 2 else leaf

    params = jax.tree.map(jitter, models.random_params(config, 0))
    if config.scale == 1.0:  # T5 keeps 1 / sqrt(head_dim) in its weights
        params["blocks"]["attention"]["query"]["kernel"] *= config.head_dim**-0.5
    return config, params


@lru_cache(maxsize=2)
def compiled(kind):
    config, _ = model(kind)
    return jax.jit(lambda params, batch: models.states(config, params, batch, LAYERS))


def vectors(kind, token_lists, rows, slots, shift=0):
    """States of each text, packed into `rows` rows of `slots`, `shift` slots to the right."""
    config, params = model(kind)
    batch, spans = pack(token_lists, causal=config.causal, slots=slots, rows=rows, shift=shift)
    out = np.asarray(compiled(kind)(params, batch))
    return [out[:, row, start : start + length] for row, start, length in spans]


def assert_same(found, expected):
    for one, other in zip(found, expected, strict=True):
        for layer in range(len(LAYERS)):
            # Rounding: 1.08e-6 for Gemma 2 with JAX 0.12, below 1e-6 for all with 0.10.
            assert np.linalg.norm(one[layer] - other[layer]) <= 2e-6 * np.linalg.norm(other[layer])


@pytest.mark.parametrize("kind", RAW)
def test_mates_and_padding(kind):
    mine, mates = texts(97, (1, 6, 13)), texts(97, (2, 9, 4, 11, 6), seed=1)
    alone = [vectors(kind, [text], 3, 24)[0] for text in mine]
    assert_same(vectors(kind, mine + mates, 3, 24)[:3], alone)
    assert_same(vectors(kind, mates + mine, 3, 24)[5:], alone)
    assert_same(vectors(kind, mine, 3, 24, shift=7), alone)
    assert np.linalg.norm(alone[2][3, 1:] - alone[2][3, :-1]) > 0.1


@pytest.mark.parametrize("kind", RAW)
def test_length_of_the_row_and_loop_for_scan(kind):
    mine = texts(97, (1, 6, 13))
    scanned = vectors(kind, mine, 3, 24)
    config, params = model(kind)
    batch, spans = pack(mine, causal=config.causal, slots=40, rows=1)
    out = np.asarray(jax.jit(loop, static_argnums=0)(config, params, batch))
    assert_same([out[:, row, start : start + length] for row, start, length in spans], scanned)


def loop(config, params, batch):
    """The stack as a Python loop over the blocks."""
    model = merge(config, params)
    batch = jax.tree.map(jnp.asarray, batch)
    context, table = model.make_context(batch.positions, visible_slots(batch)), transformer.layer_table(config)
    graph, blocks = nnx.split(model.blocks)
    state = model.embed(batch.tokens, batch.positions)
    found = [state]
    for layer in range(config.num_layers):
        weights, options = jax.tree.map(lambda leaf: leaf[layer], (blocks, table))  # noqa: B023
        state = nnx.merge(graph, weights)(state, context, options)
        found.append(state)
    if config.final_norm:
        found[-1] = model.norm(state)
    return jnp.stack(found)


@pytest.mark.parametrize("kind", ["llama", "gemma2", "bloom", "xglm"])
def test_rows_of_a_window_equal_rows_alone(kind):
    """Rows that see slots of the rows before them give the vectors of rows that repeat these slots."""
    config, params = model(kind)
    draw = np.random.default_rng(1)
    beginning = texts(97, (5,))[0]
    rows = [beginning + draw.integers(3, 6, draw.integers(1, 9)).tolist() for _ in range(60)]
    found = []
    for shape in (packing.Rows(32), packing.Rows(16, 8)):
        plan = packing.forest([packing.Request(tokenize.from_rows(rows), "last")], causal=True, rows=shape)
        batch = batches.batch(plan, 0, plan.rows)
        options = {"layers": LAYERS, "slots": batches.vector_slots(plan, batch.pool), "focused": True}
        numbers = batches.used_numbers(plan, 0, plan.rows, 1, len(plan.vector_text))
        run = jax.jit(lambda params, batch, numbers: models.pooled(config, params, batch, used=numbers, **options))  # noqa: B023
        found.append(np.asarray(run(params, batch, numbers))[:, 0, plan.where[0]])
    assert (batch.before > 0).any()
    for one, other in zip(*found, strict=True):
        assert np.linalg.norm(one - other) <= 2e-6 * np.linalg.norm(other)


@pytest.mark.parametrize("kind", ["llama", "bloom"])  # with a gate; with biases
def test_a_wider_mlp_gives_the_same_states(kind, monkeypatch):
    config, params = model(kind)
    blocks = models.unstacked(params)["blocks"]
    assert models.with_wider_mlp(config, blocks) is blocks
    monkeypatch.setattr(parameters.products, "sums_float32", lambda dtype: True)
    monkeypatch.setattr(parameters, "CACHE_PERIOD", 2 * config.mlp_width)
    wider = models.with_wider_mlp(config, blocks)
    assert wider[0]["mlp"]["up"]["kernel"].shape[1] == config.mlp_width + 32
    monkeypatch.undo()
    batch, _ = pack(texts(97, (1, 4, 7, 30)), causal=True, slots=64, pooling="last")
    found, want = (models.pooled(config, {**params, "blocks": each}, batch, layers=(1, 3)) for each in (wider, blocks))
    np.testing.assert_allclose(found, want, rtol=1e-5, atol=1e-5)
