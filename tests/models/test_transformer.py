"""What the shared stack promises, on a tiny Llama: pooling, slots of the last block, prefix trees, layers, weights."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jaxalign import models
from jaxalign.types import InputError
from tests.models.parity import assert_parity, pack, texts, torch_states, write

transformers = pytest.importorskip("transformers")
pytest.importorskip("torch")

TINY = dict(
    vocab_size=97, hidden_size=48, intermediate_size=80, num_hidden_layers=3, num_attention_heads=6,
    num_key_value_heads=2, head_dim=10, max_position_embeddings=1024, rms_norm_eps=1e-5,
)  # fmt: skip


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    folder = tmp_path_factory.mktemp("llama")
    torch_model = write(folder, transformers.LlamaConfig(**TINY))
    return models.load_model(folder), torch_model


def pooled(model, batch, **options):
    run = jax.jit(lambda params, batch: models.pooled(model.config, params, batch, **options))
    return np.asarray(run(model.params, batch))


def test_pooled_is_pool_times_states(tiny):
    model, torch_model = tiny
    token_lists = texts(97, (1, 4, 7, 30))
    theirs = torch_states(torch_model, token_lists)
    for pooling, reduce in (("mean", lambda a: a.mean(1)), ("last", lambda a: a[:, -1])):
        batch, spans = pack(token_lists, causal=True, slots=64, pooling=pooling)
        for layers in ((0, 1, 2, 3), (3, 1), (2,), (0,)):
            out = pooled(model, batch, layers=layers)
            for pick, (row, _, _) in enumerate(spans):
                expected = reduce(theirs[pick])[list(layers)]
                np.testing.assert_allclose(out[:, row, pick], expected, atol=1e-5)


def test_last_slots_equal_the_whole_block(tiny):
    model, _ = tiny
    batch, spans = pack(texts(97, (1, 4, 7, 30)), causal=True, slots=64, pooling="last")
    for layers in ((3,), (0, 1, 2, 3), (3, 1)):
        whole = pooled(model, batch, layers=layers)
        short = pooled(model, batch, layers=layers, last_slots=batch.pool.argmax(-1).astype(np.int32))
        np.testing.assert_allclose(short, whole, rtol=1e-6, atol=1e-6)
    with pytest.raises(InputError, match="layers"):
        pooled(model, batch, layers=(2,), last_slots=batch.pool.argmax(-1).astype(np.int32))


@pytest.mark.parametrize("layers", [(3,), (0, 1, 2, 3), (2, 0), (1,)])
@pytest.mark.parametrize("focused", [False, True])
def test_blocks_one_by_one_equal_the_scanned_stack(tiny, layers, focused):
    model, _ = tiny
    batch, _ = pack(texts(97, (1, 4, 7, 30)), causal=True, slots=64, pooling="last")
    picks = batch.pool.argmax(-1).astype(np.int32) if focused and 3 in layers else None
    found = models.pooled(model.config, models.unstacked(model.params), batch, layers=layers, last_slots=picks)
    np.testing.assert_allclose(found, pooled(model, batch, layers=layers, last_slots=picks), rtol=1e-6, atol=1e-6)


def test_shared_beginnings_equal_whole_texts(tiny):
    """A prefix tree [a [b [c] [d e]]] gives the states of the texts a b c and a b d e, also beside another tree."""
    model, _ = tiny
    a, b, c, d, e = 5, 9, 11, 60, 7
    separate, spans = pack([[a, b, c], [a, b, d, e]], causal=True, slots=8, pooling="last")
    forest, _ = pack([[4, 4, 4]], causal=True, slots=8, pooling="last")
    forest.tokens[0, 3:] = [a, b, c, d, e]
    forest.positions[0, 3:] = [0, 1, 2, 2, 3]
    forest.seen_to[0, 3:] = [8, 8, 6, 8, 8]
    pool = np.zeros((1, 2, 8), np.float32)
    pool[0, 0, 5] = pool[0, 1, 7] = 1
    shared = pooled(model, forest._replace(pool=pool), layers=(0, 1, 2, 3))
    whole = pooled(model, separate, layers=(0, 1, 2, 3))
    for pick, (row, _, _) in enumerate(spans):
        np.testing.assert_allclose(shared[:, 0, pick], whole[:, row, pick], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("layers", [(), (-5,), (4,)])
def test_layers_outside_the_model_are_refused(tiny, layers):
    batch, _ = pack([[5, 6]], causal=True, slots=8)
    with pytest.raises(InputError, match="layers of 0 to 3"):
        pooled(tiny[0], batch, layers=layers)


def test_random_params_have_the_abstract_shapes(tiny):
    model, _ = tiny
    shapes = jax.tree.map(lambda leaf: (leaf.shape, str(leaf.dtype)), models.abstract(model.config))
    drawn = models.random_params(model.config, 0)
    assert jax.tree.map(lambda leaf: (leaf.shape, str(leaf.dtype)), drawn) == shapes
    kernel = np.asarray(drawn["blocks"]["mlp"]["up"]["kernel"])
    assert np.abs(kernel[0] - kernel[1]).max() > 0.01
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(drawn))


def test_a_call_gives_the_states_of_transformers(tiny):
    model, torch_model = tiny
    token_lists = texts(97, (20, 20))
    tokens = jnp.asarray(token_lists)
    theirs = torch_states(torch_model, token_lists)
    ours = np.asarray(model(tokens))
    assert ours.shape == (4, 2, 20, 48)
    assert_parity(list(ours.swapaxes(0, 1)), theirs)
    for layers, numbers in (("last", [3]), (-2, [2]), ([0, -1], [0, 3])):
        np.testing.assert_allclose(model(tokens, layers=layers), ours[numbers], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_on_either_side_changes_nothing(tiny, side):
    model, torch_model = tiny
    (text,) = texts(97, (9,))
    padded = [0] * 4 + text if side == "left" else text + [0] * 4
    mask = jnp.asarray([[token != 0 for token in padded]])
    states = np.asarray(model(jnp.asarray([padded]), mask=mask))[:, 0, np.asarray(mask)[0]]
    assert_parity([states], torch_states(torch_model, [text]))


def test_hidden_states_of_rows_of_any_length(tiny):
    model, torch_model = tiny
    token_lists = texts(97, (1, 40, 7, 1, 600, 16))
    ours = models.hidden_states(model, token_lists)
    assert [states.shape for states in ours] == [(4, len(tokens), 48) for tokens in token_lists]
    assert_parity(ours, torch_states(torch_model, token_lists))
    assert models.hidden_states(model, []) == []
    for rows, name in (([[5], []], "row 1"), ([[5, 97]], "97"), ([[-1]], "-1"), ([[5] * 1025], "1024")):
        with pytest.raises(InputError, match=name):
            models.hidden_states(model, rows)


def test_the_module_is_one_that_flax_knows(tiny, capsys):
    model, _ = tiny
    tokens = jnp.asarray(texts(97, (6, 6)))
    jitted = jax.jit(lambda model, tokens: model(tokens, layers="last"))(model, tokens)
    np.testing.assert_allclose(jitted, model(tokens, layers="last"), rtol=1e-6, atol=1e-6)
    graph, state = nnx.split(model)
    np.testing.assert_array_equal(nnx.merge(graph, state)(tokens), model(tokens))
    assert state["blocks"]["mlp"]["up"]["kernel"].shape == (3, 48, 80)
    nnx.display(model)
    assert "Attention" in capsys.readouterr().out


def test_gradient_is_the_slope_of_the_loss(tiny):
    """Every weight's gradient is that of torch."""
    import torch

    model, torch_model = tiny
    token_lists = texts(97, (6, 6))
    grads = jax.grad(lambda model: jnp.mean(model(jnp.asarray(token_lists), layers="last") ** 3))(model)
    output = torch_model(input_ids=torch.tensor(token_lists), output_hidden_states=True)
    torch_model.zero_grad()
    torch.mean(output.hidden_states[-1] ** 3).backward()
    pairs = [
        (grads.embed.tokens.embedding[...], torch_model.model.embed_tokens.weight.grad),
        (grads.norm.scale[...], torch_model.model.norm.weight.grad),
    ]
    for number, layer in enumerate(torch_model.model.layers):
        pairs.append((grads.blocks.attention.query.kernel[number].T, layer.self_attn.q_proj.weight.grad))
        pairs.append((grads.blocks.mlp.down.kernel[number].T, layer.mlp.down_proj.weight.grad))
    for mine, theirs in pairs:
        theirs = theirs.numpy()
        np.testing.assert_allclose(mine, theirs, atol=1e-5 * np.abs(theirs).max())
        assert np.abs(theirs).max() > 1e-4
