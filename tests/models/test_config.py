"""The record of a model's shape: static under jax.jit, with the widths that follow from it."""

import dataclasses

import pytest

from jaxalign.models.config import Config

SHAPE = dict(family="llama", vocab=31, width=16, num_layers=2, heads=4, kv_heads=2, head_dim=5, mlp_width=24, eps=1e-5,
             max_length=64)  # fmt: skip


def test_widths_of_all_heads_together():
    config = Config(**SHAPE)
    assert (config.query_width, config.kv_width) == (20, 10)


def test_equal_configs_are_one_key_of_a_compiled_program():
    one, same, other = Config(**SHAPE), Config(**SHAPE), Config(**SHAPE, causal=False)
    assert one == same and hash(one) == hash(same) and len({one, same, other}) == 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.width = 8
