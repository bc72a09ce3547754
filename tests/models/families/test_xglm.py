"""XGLM's port against transformers."""

import pytest

from tests.models.family import check_alone, check_both

transformers = pytest.importorskip("transformers")
torch = pytest.importorskip("torch")
pytestmark = pytest.mark.slow

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
