"""Batches of packed texts: pooling, slots of the last block, prefix trees, layers; the first step of a decoder."""

import jax
import numpy as np
import pytest

from jaxalign import models
from jaxalign.types import InputError
from tests.models.parity import pack, pooled, texts, torch_states


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


def test_a_focused_last_block_equals_the_whole_one(tiny):
    model, _ = tiny
    batch, spans = pack(texts(97, (1, 4, 7, 30)), causal=True, slots=64, pooling="last")
    for layers in ((3,), (0, 1, 2, 3), (3, 1)):
        whole = pooled(model, batch, layers=layers)
        short = pooled(model, batch, layers=layers, slots=batch.pool.argmax(-1).astype(np.int32), focused=True)
        np.testing.assert_allclose(short, whole, rtol=1e-6, atol=1e-6)
    with pytest.raises(InputError, match="layers"):
        pooled(model, batch, layers=(2,), slots=batch.pool.argmax(-1).astype(np.int32), focused=True)


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


def test_layers_in_the_order_asked_and_unused_picks_are_zero(mt5):
    model = models.load_model(mt5[0], decoder=True)
    batch, _ = pack([[5, 6], [7, 8, 9]], causal=False, slots=8, pooling="mean")
    every = np.asarray(models.decoded(model.config, model.params, batch, layers=(0, 1, 2)))
    batch.pool[0, 1] = 0
    some = np.asarray(models.decoded(model.config, model.params, batch, layers=(2, 0)))
    np.testing.assert_allclose(some[:, 0, 0], every[[2, 0], 0, 0], rtol=1e-6, atol=1e-6)
    assert (some[:, 0, 1] == 0).all() and (every[:, 0, 1] != 0).any()


def test_random_decoder_has_the_abstract_shapes(mt5):
    model = models.load_model(mt5[0], decoder=True, weights="random")
    shapes = jax.tree.map(lambda leaf: (leaf.shape, str(leaf.dtype)), models.abstract(model.config))
    assert jax.tree.map(lambda leaf: (leaf.shape, str(leaf.dtype)), model.params) == shapes
    kernel = np.asarray(model.params["decoder"]["blocks"]["cross"]["key"]["kernel"])
    assert np.abs(kernel[0] - kernel[1]).max() > 0.01
