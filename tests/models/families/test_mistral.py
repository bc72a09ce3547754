"""The port of Mistral and Ministral against transformers: every layer, lengths 1 to 512."""

import pytest

from tests.models.family import FULL, LOCAL, YARN, check_decoder

transformers = pytest.importorskip("transformers")
pytest.importorskip("torch")

CASES = {
    "mistral": ("MistralConfig", dict(sliding_window=None)),
    "mistral-window": ("MistralConfig", dict(sliding_window=20)),
    "mistral-bidirectional-window": ("MistralConfig", dict(sliding_window=20, is_causal=False)),
    "ministral": ("MinistralConfig", dict(head_dim=8, sliding_window=20, layer_types=[FULL, LOCAL, FULL])),
    "ministral3": ("Ministral3Config", dict(rope_parameters=YARN | dict(llama_4_scaling_beta=0.1,
                   original_max_position_embeddings=512, mscale=1.0, mscale_all_dim=1.0), head_dim=16)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_parity(tmp_path, name):
    kind, options = CASES[name]
    check_decoder(tmp_path, getattr(transformers, kind), options, half="-" not in name)
