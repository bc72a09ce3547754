"""What the shared stack promises, on a tiny Llama: pooling, slots of the last block, prefix trees, layers, weights."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.models.parity import assert_parity, texts, torch_states


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
