"""Positions that are no rotation, against the code that the models were trained with."""

import numpy as np
import pytest

from jaxalign.models.position_bias import alibi_slopes, bucket_of, sinusoid

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
