"""The port of Gemma 3 against transformers: every layer, lengths 1 to 512."""

import pytest

from tests.models.family import FULL, LOCAL, check_decoder

transformers = pytest.importorskip("transformers")
pytest.importorskip("torch")

TWO_BASES = dict(
    sliding_attention=dict(rope_type="default", rope_theta=100.0),
    full_attention=dict(rope_type="linear", factor=8.0, rope_theta=5000.0),
)
CASES = {
    "gemma3": ("Gemma3TextConfig", dict(head_dim=16, query_pre_attn_scalar=24, sliding_window=40,
               layer_types=[LOCAL, FULL, LOCAL], rope_parameters=TWO_BASES)),
    "gemma3-bidirectional": ("Gemma3TextConfig", dict(head_dim=16, query_pre_attn_scalar=24, sliding_window=41,
                             layer_types=[LOCAL, FULL, LOCAL], use_bidirectional_attention=True)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_parity(tmp_path, name):
    kind, options = CASES[name]
    check_decoder(tmp_path, getattr(transformers, kind), options, half="-" not in name)
