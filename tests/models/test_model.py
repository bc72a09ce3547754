"""A loaded model: hidden states of rows of any length, and what Flax knows of it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jaxalign import models
from jaxalign.types import InputError
from tests.models.parity import assert_parity, texts, torch_states


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
