"""The port of Qwen2 against transformers: every layer, lengths 1 to 512."""

import pytest

from tests.models.family import ODD, check_decoder

transformers = pytest.importorskip("transformers")
pytest.importorskip("torch")
pytestmark = pytest.mark.slow

CASES = {
    "qwen2": ("Qwen2Config", ODD | dict(tie_word_embeddings=True)),
    "qwen2-window": ("Qwen2Config", dict(use_sliding_window=True, sliding_window=30, max_window_layers=1)),
    "qwen2-bidirectional": ("Qwen2Config", dict(is_causal=False)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_parity(tmp_path, name):
    kind, options = CASES[name]
    check_decoder(tmp_path, getattr(transformers, kind), options, half="-" not in name)
