"""The port of Gemma 2 against transformers: every layer, lengths 1 to 512."""

import pytest

from tests.models.family import check_decoder

transformers = pytest.importorskip("transformers")
pytest.importorskip("torch")
pytestmark = pytest.mark.slow

CASES = {
    "gemma2": ("Gemma2Config", dict(head_dim=16, query_pre_attn_scalar=24, sliding_window=40)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_parity(tmp_path, name):
    kind, options = CASES[name]
    check_decoder(tmp_path, getattr(transformers, kind), options, half=True)
