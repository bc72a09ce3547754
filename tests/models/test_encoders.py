"""Encoders against transformers: every layer, lengths 1 to 512, float32 and bfloat16; a padding token inside a text."""

import pytest

from jaxalign import models
from tests.models.family import check_alone, check_both
from tests.models.parity import assert_parity, our_states, torch_states, write

transformers = pytest.importorskip("transformers")
pytest.importorskip("torch")

SMALL = dict(
    vocab_size=97, hidden_size=60, num_hidden_layers=3, num_attention_heads=5, intermediate_size=100,
    max_position_embeddings=512,
)  # fmt: skip
ROBERTA = SMALL | dict(max_position_embeddings=514, type_vocab_size=1, layer_norm_eps=1e-5, pad_token_id=1)
DISTIL = dict(vocab_size=97, dim=60, n_layers=3, n_heads=5, hidden_dim=100)
DEBERTA = SMALL | dict(relative_attention=True, pos_att_type="p2c|c2p", norm_rel_ebd="layer_norm", share_att_key=True,
                       position_buckets=32, position_biased_input=False, type_vocab_size=0)  # fmt: skip
MODERN = SMALL | dict(local_attention=30, global_attn_every_n_layers=2, pad_token_id=0, cls_token_id=1, sep_token_id=2,
                      bos_token_id=1, eos_token_id=2)  # fmt: skip
TRANSLATION = dict(vocab_size=97, d_model=60, encoder_layers=3, decoder_layers=1, encoder_attention_heads=5,
                   decoder_attention_heads=5, encoder_ffn_dim=100, decoder_ffn_dim=20, max_position_embeddings=512,
                   pad_token_id=1)  # fmt: skip
CASES = {
    "roberta": ("RobertaConfig", "AutoModelForMaskedLM", ROBERTA),
    "camembert": ("CamembertConfig", "AutoModelForMaskedLM", ROBERTA),
    "xlm-roberta-xl": ("XLMRobertaXLConfig", "AutoModelForMaskedLM", ROBERTA),
    "distilbert": ("DistilBertConfig", "AutoModelForMaskedLM", DISTIL),
    "deberta-v2": ("DebertaV2Config", "AutoModelForMaskedLM", DEBERTA),
    "deberta-v2-own-maps": ("DebertaV2Config", "AutoModel", DEBERTA | dict(share_att_key=False, norm_rel_ebd="none",
                            position_biased_input=True, type_vocab_size=2)),
    "deberta-v2-no-buckets": ("DebertaV2Config", "AutoModel", DEBERTA | dict(position_buckets=-1, pos_att_type="c2p",
                              max_relative_positions=40)),
    "deberta-v2-content-only": ("DebertaV2Config", "AutoModel", DEBERTA | dict(relative_attention=False,
                                position_biased_input=True)),
    "modernbert": ("ModernBertConfig", "AutoModelForMaskedLM", MODERN),
    "modernbert-biases": ("ModernBertConfig", "AutoModel", MODERN | dict(attention_bias=True, mlp_bias=True,
                          norm_bias=True)),
    "m2m_100": ("M2M100Config", "AutoModelForSeq2SeqLM", TRANSLATION),
    "mbart": ("MBartConfig", "AutoModelForSeq2SeqLM", TRANSLATION | dict(scale_embedding=True)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_parity(tmp_path, name):
    kind, auto, options = CASES[name]
    model, _ = check_both(
        tmp_path, getattr(transformers, kind)(**options), auto, encoder=auto == "AutoModelForSeq2SeqLM"
    )
    assert not model.causal and model.max_length == 512 and model.default_pooling == "mean" and not model.warnings
    if "-" not in name:
        check_alone(model)


@pytest.mark.parametrize("name", ["roberta", "xlm-roberta-xl", "m2m_100"])
def test_a_padding_token_inside_a_text(tmp_path, name):
    """Positions of [0, 5, 1, 7, 9, 2] with padding 1 are 2, 3, 1, 4, 5, 6 in the reference."""
    kind, auto, options = CASES[name]
    theirs = write(tmp_path, getattr(transformers, kind)(**options), auto)
    token_lists = [[0, 5, 1, 7, 9, 2], [0, 1, 1, 8, 1, 2], [0, 5, 7, 9, 2]]
    reference = theirs.get_encoder() if auto == "AutoModelForSeq2SeqLM" else theirs
    expected = torch_states(reference, token_lists)
    model = models.load_model(tmp_path)
    assert_parity(our_states(model, token_lists), expected)
    assert_parity(models.hidden_states(model, token_lists), expected)
