"""The block: where the norms of each order stand."""

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from jaxalign.models.block import Block
from jaxalign.models.config import Config
from jaxalign.models.layers import Context, Layer

SHAPE = dict(family="llama", vocab=31, width=12, num_layers=2, heads=4, kv_heads=4, head_dim=3, mlp_width=20, eps=1e-5,
             max_length=64, positions="none")  # fmt: skip


def parts(order, **changes):
    """A block with random norms, and what a call of it is given: state, context, layer."""
    block = Block(Config(**SHAPE, order=order, **changes), nnx.Rngs(0))
    draw = np.random.default_rng(0)
    for norm in (block.attention_norm, block.mlp_norm, block.attention_post_norm, block.mlp_post_norm):
        if norm is not None:
            norm.scale[...] = 1 + draw.normal(size=12).astype(np.float32)
    state = jnp.asarray(draw.normal(size=(1, 5, 12)), jnp.float32)
    context = Context(jnp.tril(jnp.ones((1, 5, 5), bool)), jnp.zeros((1, 5, 5), jnp.int32), None, None, None)
    layer = Layer(jnp.int32(0), jnp.int32(0), jnp.bool_(True))
    return block, state, context, layer


@pytest.mark.parametrize("order", ["pre", "post", "after", "parallel", "parallel_two", "both"])
def test_where_the_norms_stand(order):
    block, state, context, layer = parts(order)
    first, second = block.attention_norm, block.mlp_norm

    def attention(values):
        return block.attention(values, context, layer)

    if order == "pre":
        middle = state + attention(first(state))
        expected = middle + block.mlp(second(middle))
    elif order == "post":
        middle = first(state + attention(state))
        expected = second(middle + block.mlp(middle))
    elif order == "after":
        middle = state + first(attention(state))
        expected = middle + second(block.mlp(middle))
    elif order == "parallel":
        expected = state + attention(first(state)) + block.mlp(first(state))
    elif order == "parallel_two":
        expected = state + attention(first(state)) + block.mlp(second(state))
    else:
        middle = state + block.attention_post_norm(attention(first(state)))
        expected = middle + block.mlp_post_norm(block.mlp(second(middle)))
    np.testing.assert_allclose(block(state, context, layer), expected, atol=1e-6)


def test_granite_scales_what_is_added():
    block, state, context, layer = parts("pre", residual_scale=0.25)
    middle = state + 0.25 * block.attention(block.attention_norm(state), context, layer)
    expected = middle + 0.25 * block.mlp(block.mlp_norm(middle))
    np.testing.assert_allclose(block(state, context, layer), expected, atol=1e-6)


def test_modernbert_norms_no_input_of_its_first_attention():
    block, state, context, layer = parts("pre", unnormed_first=True)
    middle = state + block.attention(state, context, layer)
    expected = middle + block.mlp(block.mlp_norm(middle))
    np.testing.assert_allclose(block(state, context, layer._replace(normed=jnp.bool_(False))), expected, atol=1e-6)
