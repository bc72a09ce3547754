"""Positions that are no rotation, against the code that the models were trained with."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxalign.models.position_bias import (
    alibi_slopes,
    bias_by_gather,
    bias_by_product,
    bucket_bias,
    bucket_of,
    sinusoid,
)

pytest.importorskip("transformers")
torch = pytest.importorskip("torch")


@pytest.mark.parametrize("heads", range(1, 130, 3))
def test_slopes(heads):
    from transformers.models.bloom.modeling_bloom import _get_alibi_slopes

    expected = _get_alibi_slopes(heads, torch.device("cpu")).numpy()
    assert alibi_slopes(heads) == pytest.approx(expected, rel=1e-6, abs=0)


def test_slopes_of_eight_heads_are_powers_of_a_half():
    assert alibi_slopes(8).tolist() == [2.0**-i for i in range(1, 9)]


def test_sinusoids():
    from transformers.models.xglm.modeling_xglm import XGLMSinusoidalPositionalEmbedding

    expected = XGLMSinusoidalPositionalEmbedding.get_embedding(514, 1024).numpy()
    # A step of the last bit in a frequency, times the position.
    np.testing.assert_allclose(sinusoid(np.arange(514), 1024), expected, atol=514 * 2.0**-24)


@pytest.mark.parametrize("buckets, farthest", [(32, 128), (32, 64), (8, 20), (64, 256), (6, 10)])
def test_buckets(buckets, farthest):
    from transformers.models.t5.modeling_t5 import T5Attention

    distance = np.arange(-600, 601)
    expected = T5Attention._relative_position_bucket(torch.tensor(distance), True, buckets, farthest).numpy()
    assert (bucket_of(distance, buckets, farthest) == expected).all()
    assert (expected[distance >= farthest] == buckets - 1).all()


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_bias_of_each_pair_of_slots(dtype):
    """By hand from the buckets; the form for TPUs gives the same bits as the one for other devices."""
    config = SimpleNamespace(buckets=8, bucket_distance=20)
    rng = np.random.default_rng(0)
    table = jnp.asarray(rng.standard_normal((8, 3)), dtype)
    distance = rng.integers(-30, 31, (2, 5, 7))
    found = np.asarray(bucket_bias(config, table, jnp.asarray(distance)))
    wanted = np.asarray(table, np.float32)[bucket_of(distance, 8, 20)]
    np.testing.assert_array_equal(found, np.moveaxis(wanted, -1, 1))
    known, place = jnp.asarray(bucket_of(np.arange(-20, 21), 8, 20)), jnp.asarray(np.clip(distance, -20, 20) + 20)
    wide = table.astype(jnp.float32)  # a CPU does not multiply bfloat16 into float32 in this order of axes
    np.testing.assert_array_equal(bias_by_product(wide, known, place), bias_by_gather(table, known, place))


@pytest.mark.parametrize(("platform", "word"), [("tpu", "dot_general"), ("cpu", "gather"), ("cuda", "gather")])
def test_a_tpu_gets_a_product(platform, word):
    config = SimpleNamespace(buckets=8, bucket_distance=20)
    shapes = jax.ShapeDtypeStruct((8, 3), "bfloat16"), jax.ShapeDtypeStruct((2, 5, 7), "int32")
    traced = jax.jit(lambda table, distance: bucket_bias(config, table, distance)).trace(*shapes)
    text = traced.lower(lowering_platforms=(platform,)).as_text()
    assert word in text and (word == "dot_general") == ("dot_general" in text)
