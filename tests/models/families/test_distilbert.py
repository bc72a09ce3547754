"""The port of DistilBERT against transformers: every layer, lengths 1 to 512, float32 and bfloat16."""

import pytest

from tests.models.family import check_alone, check_encoder

transformers = pytest.importorskip("transformers")
pytest.importorskip("torch")
pytestmark = pytest.mark.slow

DISTIL = dict(vocab_size=97, dim=60, n_layers=3, n_heads=5, hidden_dim=100)
CASES = {
    "distilbert": ("DistilBertConfig", "AutoModelForMaskedLM", DISTIL),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_parity(tmp_path, name):
    kind, auto, options = CASES[name]
    model = check_encoder(tmp_path, getattr(transformers, kind)(**options), auto)
    check_alone(model)
