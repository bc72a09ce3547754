"""A mixture of experts against a loop in float64 NumPy: blocks of rows, and all rows at once as on a TPU."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jaxalign.models import experts as mixture
from jaxalign.models.config import Config
from jaxalign.models.experts import Experts, block_rows

SHAPE = dict(family="llama", vocab=31, width=12, num_layers=2, heads=4, kv_heads=4, head_dim=3, mlp_width=20, eps=1e-5,
             max_length=64, positions="none")  # fmt: skip


def made(experts=5, chosen=2, **changes):
    return Experts(Config(**SHAPE, experts=experts, experts_per_token=chosen, **changes), nnx.Rngs(3))


def drawn(*shape, seed=1):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def reference(experts, state):
    """The definition, token by token in float64."""
    router, gate, up, down = (np.asarray(part.kernel[...], np.float64)
                              for part in (experts.router, experts.gate, experts.up, experts.down))  # fmt: skip
    expected = np.zeros(state.shape)
    for place in np.ndindex(*state.shape[:-1]):
        token = state[place].astype(np.float64)
        chances = np.exp(token @ router)
        chances /= chances.sum()
        chosen = np.argsort(-chances)[: experts.config.experts_per_token]
        weights = chances[chosen] / (chances[chosen].sum() if experts.config.normalize_experts else 1.0)
        for weight, expert in zip(weights, chosen, strict=True):
            opened = token @ gate[expert]
            expected[place] += weight * ((opened / (1 + np.exp(-opened)) * (token @ up[expert])) @ down[expert])
    return expected


@pytest.mark.parametrize("platform", ["cpu", "gpu", "tpu"])
@pytest.mark.parametrize("normalize", [True, False])
def test_experts_are_a_weighted_sum(normalize, platform, monkeypatch):
    monkeypatch.setattr(mixture, "backend", lambda: platform)
    experts, state = made(normalize_experts=normalize), drawn(2, 7, 12)
    np.testing.assert_allclose(experts(state), reference(experts, state), atol=1e-5)


@pytest.mark.parametrize("least", [1, 2, 7, 32])
@pytest.mark.parametrize("bias", [0.0, 30.0], ids=["even", "uneven"])
def test_blocks_of_every_size_give_the_same(least, bias, monkeypatch):
    """Experts with no row, with many blocks, and with blocks that reach into the next expert's rows or over the end."""
    monkeypatch.setattr(mixture, "LEAST_ROWS", least)
    monkeypatch.setattr(mixture, "MOST_ROWS", least)
    experts, state = made(experts=9, chosen=3), drawn(3, 11, 12, seed=2)
    state[..., 0] = 1
    kernel = np.array(experts.router.kernel[...])
    kernel[0, [2, 8]] += bias  # with a large bias every token takes the experts 2 and 8
    experts.router.kernel[...] = jnp.asarray(kernel)
    np.testing.assert_allclose(experts(state), reference(experts, state), atol=1e-5)


def test_a_block_is_about_half_of_what_an_expert_has_on_average():
    assert [block_rows(rows, 8) for rows in (1, 512, 513, 1200, 10**6)] == [32, 32, 64, 128, 512]


def test_no_copy_of_the_rows_for_every_expert():
    count, tokens, chosen, width = 128, 2048, 2, 12
    graph, params = nnx.split(nnx.eval_shape(lambda: made(experts=count, chosen=chosen)))
    run = jax.jit(lambda params, state: nnx.merge(graph, params)(state))
    program = run.lower(params, jax.ShapeDtypeStruct((tokens, width), jnp.float32)).compile()
    assert program.memory_analysis().temp_size_in_bytes < count * tokens * chosen * width * 4 / 10
