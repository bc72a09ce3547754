"""bfloat16 weights on a CPU that multiplies them itself: products sum in float32 and states stay float32."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jaxalign import models
from jaxalign.embeddings import batches, packing, tokenize
from jaxalign.models import products
from jaxalign.models.layers import linear
from jaxalign.runtime import environment
from tests import tiny

CPU = jax.default_backend() == "cpu"


def config(dtype, **changes):
    return models.read_config({**tiny.LLAMA, **changes}, dtype)


@pytest.fixture(params=[True, False], ids=["instructions", "none"])
def has_instructions(request, monkeypatch):
    monkeypatch.setattr(products, "has_bfloat16_instructions", lambda: request.param)
    return request.param and CPU


def test_the_product_is_rounded_once(has_instructions):
    """Against the float64 product of the same bfloat16 numbers: float32 sums are off by rounding of float32 only."""
    layer = linear(config("bfloat16"), 300, 40, True, nnx.Rngs(0))
    state = jax.random.normal(jax.random.key(1), (64, 300)).astype(jnp.bfloat16)
    found = layer(state)
    assert found.dtype == (jnp.float32 if has_instructions else jnp.bfloat16)
    assert products.state_dtype("bfloat16") == found.dtype
    wide = [np.asarray(part, np.float64) for part in (state, layer.kernel[...], layer.bias[...])]
    error = np.abs(np.asarray(found, np.float64) - (wide[0] @ wide[1] + wide[2])).max()
    assert error < 1e-5 if has_instructions else 1e-4 < error < 0.1


def test_float32_is_as_it_was(has_instructions):
    assert products.dot_general("float32") is jax.lax.dot_general
    assert products.state_dtype("float32") == jnp.float32
    assert products.dot_general("float16") is jax.lax.dot_general


def test_states_of_a_model_are_nearer_to_float32(monkeypatch):
    """Root mean square error over all layers against the same weights in float32."""
    errors = {}
    tokens = tokenize.from_rows([[0, *range(5, 60)], [0, 7, 9]])
    for has, heads in ((True, 2), (False, 1)):  # configs that differ: compiled graphs are kept by config
        monkeypatch.setattr(products, "has_bfloat16_instructions", lambda has=has: has)
        half, exact = (config(dtype, num_key_value_heads=heads) for dtype in ("bfloat16", "float32"))
        params = models.random_params(half, 3)
        batch = batches.batch(packing.forest([packing.Request(tokens, "last")], causal=True), 0, 1)
        want = models.states(exact, jax.tree.map(lambda leaf: leaf.astype(jnp.float32), params), batch, (0, 1, 2, 3))
        found = models.states(half, params, batch, (0, 1, 2, 3))
        errors[has] = float(np.sqrt(np.square(found - want).mean() / np.square(want).mean()))
    assert errors[True] < 0.6 * errors[False] if CPU else errors[True] < 0.05


def test_the_processor_says_what_it_has():
    assert environment.environment()["bfloat16_instructions"] is environment.has_bfloat16_instructions()


def test_long_sums_in_pieces_are_nearer_to_float64():
    """Features that all have one sign: each addition to the long sum rounds, and a partial sum is shorter."""
    draw = np.random.default_rng(0)
    state = jnp.asarray(draw.uniform(1, 2, (64, 1024)), jnp.float32)
    whole, parts = (linear(config("float32"), 1024, 40, False, nnx.Rngs(0), pieces=pieces)(state) for pieces in (1, 4))
    kernel = linear(config("float32"), 1024, 40, False, nnx.Rngs(0)).kernel[...]
    exact = np.asarray(state, np.float64) @ np.asarray(kernel, np.float64)
    errors = [np.sqrt(np.mean((np.asarray(found) - exact) ** 2)) for found in (whole, parts)]
    assert errors[1] < (0.9 if CPU else 1.1) * errors[0] and errors[1] < 3e-6 * np.sqrt(np.mean(exact**2))
    narrow = linear(config("float32"), 8, 40, False, nnx.Rngs(0), pieces=2)  # each input to its own piece
    given = jnp.eye(8)
    np.testing.assert_array_equal(np.asarray(narrow(given)), np.asarray(narrow.kernel[...]))


@pytest.mark.parametrize("features", [1, 7, 16, 34, 256, 640, 1152])
def test_the_mean_of_squares_is_that_of_float64(features):
    state = np.random.default_rng(features).normal(size=(5, features)).astype(np.float32)
    state[:, 0] *= 1e4  # one feature outweighs all others
    exact = (state.astype(np.float64) ** 2).mean(-1, keepdims=True)
    assert products.mean_of_squares(state).shape == (5, 1)
    np.testing.assert_allclose(products.mean_of_squares(state), exact, rtol=1e-6)


def test_long_sums_are_those_of_float32_on_a_cpu(monkeypatch):
    assert products.sums_are_long("float32") == CPU and not products.sums_are_long("bfloat16")
    monkeypatch.setattr(jax, "default_backend", lambda: "tpu")
    assert not products.sums_are_long("float32")


def test_pieces_are_for_float32_on_a_cpu(monkeypatch):
    assert products.pieces_of(1024, 256, "float32") == (4 if CPU else 1)
    assert products.pieces_of(1000, 256, "float32") == products.pieces_of(128, 256, "float32") == 1
    assert products.pieces_of(1024, 256, "bfloat16") == 1
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert products.pieces_of(1024, 256, "float32") == 1


def test_programs_for_an_accelerator_do_not_depend_on_this_processor(monkeypatch):
    """A plan is made on a CPU, for a device whose states are as narrow as its weights."""
    monkeypatch.setattr(products, "has_bfloat16_instructions", lambda: True)
    small = config("bfloat16", num_hidden_layers=1)
    params = models.abstract(small)
    batch = batches.batch(packing.forest([packing.Request(tokenize.from_rows([[3, 4]]), "last")], causal=True), 0, 1)

    def text():
        return jax.jit(lambda given: models.states(small, given, batch, (1,))).lower(params).as_text()

    with environment.made_for("tpu"):
        assert products.state_dtype("bfloat16") == jnp.bfloat16
        assert products.dot_general("bfloat16") is jax.lax.dot_general
        assert products.pieces_of(1024, 256, "float32") == 1
        planned = text()
    monkeypatch.setattr(products, "has_bfloat16_instructions", lambda: False)
    with environment.made_for("gpu"):
        assert text() == planned


@pytest.mark.skipif(not CPU, reason="what a CPU's compiler does")
@pytest.mark.parametrize("mixture", [False, True], ids=["layers", "experts"])
def test_no_stack_of_weights_is_copied_to_float32(mixture):
    """Of many layers, or many experts, one is taken at a time: the program holds no copy of the others."""
    size = dict(hidden_size=64, intermediate_size=256, num_hidden_layers=2 if mixture else 24)
    if mixture:
        size |= dict(model_type="qwen3_moe", num_experts=48, num_experts_per_tok=2, moe_intermediate_size=64)
    shape = config("bfloat16", **size)
    params = models.abstract(shape)
    plan = packing.forest([packing.Request(tokenize.from_rows([[1, 2]] * 8), "last")], causal=True)
    batch = batches.batch(plan, 0, 4)
    run = jax.jit(models.states, static_argnums=(0, 3))
    program = run.lower(shape, params, batch, (shape.num_layers,)).compile()
    weights = sum(leaf.size * 2 for leaf in jax.tree.leaves(params["blocks"]))
    assert program.memory_analysis().temp_size_in_bytes < 0.75 * weights  # one layer is half of the mixture
