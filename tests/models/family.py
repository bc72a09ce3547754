"""Checks that every family takes: all layers against torch, and a text alone against the same text in company."""

import jax
import numpy as np

from jaxalign import models
from tests.models.parity import LENGTHS, assert_parity, our_states, pack, texts, torch_states, write


def assert_cosine(ours, theirs, bound=0.999):
    """Cosine of each token at each layer above `bound`."""
    for mine, other in zip(ours, theirs, strict=True):
        cosine = (mine * other).sum(-1) / (np.linalg.norm(mine, axis=-1) * np.linalg.norm(other, axis=-1))
        assert cosine.min() > bound


def check_both(folder, config, auto, lengths=LENGTHS, encoder=False, **load):
    """Writes a random checkpoint; holds float32 and bfloat16 to torch's float32 at all lengths and layers.

    bfloat16 is not held to torch's bfloat16: there BLOOM's bias, up to 512 times a slope, is itself rounded to 8
    bits, and torch's vectors are at 0.96 to their own in float32 (0.9999 here). Returns our model and torch's.
    """
    theirs = write(folder, config, auto)
    token_lists = texts(config.vocab_size, lengths)
    expected = torch_states(theirs.get_encoder() if encoder else theirs, token_lists)
    model = models.load_model(folder, **load)
    assert_parity(our_states(model, token_lists), expected)
    assert_cosine(our_states(models.load_model(folder, dtype="bfloat16"), token_lists), expected)
    return model, theirs


def check_alone(model):
    """A text's vectors are the same alone, beside other texts, and in a wider row, to 1e-6 of their length."""
    token_lists = texts(model.config.vocab, (7, 3, 21))
    together = our_states_in(model, token_lists, 64)[0]
    for slots in (32, 64):
        alone = our_states_in(model, token_lists[:1], slots)[0]
        off = np.linalg.norm(alone - together, axis=-1) / np.linalg.norm(alone, axis=-1)
        assert off.max() < 1e-6


def our_states_in(model, token_lists, slots):
    batch, spans = pack(token_lists, causal=model.causal, slots=slots)
    layers = tuple(range(model.num_layers + 1))
    out = np.asarray(jax.jit(models.states, static_argnums=(0, 3))(model.config, model.params, batch, layers))
    return [out[:, row, start : start + length] for row, start, length in spans]
