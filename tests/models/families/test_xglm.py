"""XGLM's port against transformers."""

import numpy as np
import pytest

from jaxalign.models.position_bias import sinusoid
from tests.models.family import check_alone, check_both

transformers = pytest.importorskip("transformers")
torch = pytest.importorskip("torch")

TINY = dict(
    vocab_size=97, d_model=60, num_layers=3, attention_heads=5, ffn_dim=100, max_position_embeddings=512,
)  # fmt: skip


@pytest.mark.parametrize(
    "options, auto",
    [(dict(), "AutoModelForCausalLM"), (dict(scale_embedding=False, activation_function="relu"), "AutoModel")],
    ids=["plain", "unscaled-no-prefix"],
)
def test_parity(tmp_path, options, auto):
    model, _ = check_both(tmp_path, transformers.XGLMConfig(**(TINY | options)), auto)
    check_alone(model)


def test_sinusoids():
    from transformers.models.xglm.modeling_xglm import XGLMSinusoidalPositionalEmbedding

    expected = XGLMSinusoidalPositionalEmbedding.get_embedding(514, 1024).numpy()
    # A step of the last bit in a frequency, times the position.
    np.testing.assert_allclose(sinusoid(np.arange(514), 1024), expected, atol=514 * 2.0**-24)
