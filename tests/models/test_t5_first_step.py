"""The first step of a decoder: which layers, which vectors, and what is refused."""

import jax
import numpy as np

from jaxalign import models
from tests.models.parity import pack


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
