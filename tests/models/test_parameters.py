"""The tree of parameters: shapes, random values, one tuple per layer, paths."""

import jax
import numpy as np
import pytest

from jaxalign import models
from jaxalign.models import parameters
from tests.models.checkpoints import CONFIG
from tests.models.parity import pack, pooled, texts


@pytest.mark.parametrize("layers", [(3,), (0, 1, 2, 3), (2, 0), (1,)])
@pytest.mark.parametrize("focused", [False, True])
def test_blocks_one_by_one_equal_the_scanned_stack(tiny, layers, focused):
    model, _ = tiny
    batch, _ = pack(texts(97, (1, 4, 7, 30)), causal=True, slots=64, pooling="last")
    focused = focused and 3 in layers
    options = {"slots": batch.pool.argmax(-1).astype(np.int32), "focused": True} if focused else {}
    found = models.pooled(model.config, models.unstacked(model.params), batch, layers=layers, **options)
    np.testing.assert_allclose(found, pooled(model, batch, layers=layers, **options), rtol=1e-6, atol=1e-6)


def test_random_params_have_the_abstract_shapes(tiny):
    model, _ = tiny
    shapes = jax.tree.map(lambda leaf: (leaf.shape, str(leaf.dtype)), models.abstract(model.config))
    drawn = models.random_params(model.config, 0)
    assert jax.tree.map(lambda leaf: (leaf.shape, str(leaf.dtype)), drawn) == shapes
    kernel = np.asarray(drawn["blocks"]["mlp"]["up"]["kernel"])
    assert np.abs(kernel[0] - kernel[1]).max() > 0.01
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(drawn))


def test_paths_of_leaves_there_and_back():
    tree = {"a": {"b": 1, "c": {"d": 2}}, "e": 3}
    flat = parameters.flatten(tree)
    assert flat == {"a.b": 1, "a.c.d": 2, "e": 3}
    assert parameters.unflatten(flat) == tree


def test_the_module_of_a_tree_shares_its_arrays():
    config = models.read_config(CONFIG)
    params = models.random_params(config, 0)
    module = parameters.merge(config, params)
    assert module.norm.scale[...] is params["norm"]["scale"]
    assert parameters.abstract(config)["blocks"]["mlp"]["up"]["kernel"].shape == (3, 16, 24)


def test_active_parameters_leave_out_the_experts_that_a_token_does_not_choose():
    raw = dict(CONFIG, model_type="qwen3_moe", num_experts=8, num_experts_per_tok=2, moe_intermediate_size=24)
    config = models.read_config(raw)
    blocks = parameters.abstract(config)["blocks"]
    every = sum(leaf.size for leaf in jax.tree.leaves(blocks))
    one = sum(blocks["mlp"][name]["kernel"].size for name in ("gate", "up", "down")) // 8
    assert every > 8 * one and blocks["mlp"]["router"]["kernel"].size > 0
    assert models.active_parameters(config) == every - 6 * one
    plain = models.read_config(CONFIG)
    assert models.active_parameters(plain) == sum(
        leaf.size for leaf in jax.tree.leaves(parameters.abstract(plain)["blocks"])
    )
