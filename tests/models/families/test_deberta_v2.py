"""The port of DeBERTa against transformers: every layer, lengths 1 to 512, float32 and bfloat16."""

import pytest

from tests.models.family import ENCODER, check_alone, check_encoder

transformers = pytest.importorskip("transformers")
pytest.importorskip("torch")
pytestmark = pytest.mark.slow

DEBERTA = ENCODER | dict(relative_attention=True, pos_att_type="p2c|c2p", norm_rel_ebd="layer_norm", share_att_key=True,
                       position_buckets=32, position_biased_input=False, type_vocab_size=0)  # fmt: skip
CASES = {
    "deberta-v2": ("DebertaV2Config", "AutoModelForMaskedLM", DEBERTA),
    "deberta-v2-own-maps": ("DebertaV2Config", "AutoModel", DEBERTA | dict(share_att_key=False, norm_rel_ebd="none",
                            position_biased_input=True, type_vocab_size=2)),
    "deberta-v2-no-buckets": ("DebertaV2Config", "AutoModel", DEBERTA | dict(position_buckets=-1, pos_att_type="c2p",
                              max_relative_positions=40)),
    "deberta-v2-content-only": ("DebertaV2Config", "AutoModel", DEBERTA | dict(relative_attention=False,
                                position_biased_input=True)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_parity(tmp_path, name):
    kind, auto, options = CASES[name]
    model = check_encoder(tmp_path, getattr(transformers, kind)(**options), auto)
    if name == next(iter(CASES)):
        check_alone(model)
