"""The port of M2M-100, NLLB and mBART against transformers: every layer, lengths 1 to 512, float32 and bfloat16."""

import pytest

from tests.models.family import check_alone, check_encoder, check_padding_inside

transformers = pytest.importorskip("transformers")
pytest.importorskip("torch")
pytestmark = pytest.mark.slow

TRANSLATION = dict(vocab_size=97, d_model=60, encoder_layers=3, decoder_layers=1, encoder_attention_heads=5,
                   decoder_attention_heads=5, encoder_ffn_dim=100, decoder_ffn_dim=20, max_position_embeddings=512,
                   pad_token_id=1)  # fmt: skip
CASES = {
    "m2m_100": ("M2M100Config", "AutoModelForSeq2SeqLM", TRANSLATION),
    "mbart": ("MBartConfig", "AutoModelForSeq2SeqLM", TRANSLATION | dict(scale_embedding=True)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_parity(tmp_path, name):
    kind, auto, options = CASES[name]
    model = check_encoder(tmp_path, getattr(transformers, kind)(**options), auto)
    check_alone(model)


def test_a_padding_token_inside_a_text(tmp_path):
    kind, auto, options = CASES["m2m_100"]
    check_padding_inside(tmp_path, getattr(transformers, kind)(**options), auto)
