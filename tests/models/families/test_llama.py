"""The port of Llama and EuroBERT against transformers: every layer, lengths 1 to 512."""

import pytest

from tests.models.family import ODD, YARN, check_decoder

transformers = pytest.importorskip("transformers")
pytest.importorskip("torch")

LLAMA3 = dict(rope_type="llama3", rope_theta=500.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=64)  # fmt: skip
CASES = {
    "llama": ("LlamaConfig", dict(head_dim=10)),
    "llama-odd-biases-tied": ("LlamaConfig", ODD | dict(attention_bias=True, mlp_bias=True, tie_word_embeddings=True)),
    "llama3-rope": ("LlamaConfig", dict(rope_parameters=LLAMA3, head_dim=20)),
    "llama-linear-rope": ("LlamaConfig", dict(rope_parameters=dict(rope_type="linear", factor=4.0, rope_theta=1e4))),
    "llama-bidirectional": ("LlamaConfig", dict(is_causal=False)),
    "llama-yarn": ("LlamaConfig", dict(rope_parameters=YARN)),
    "eurobert": ("EuroBertConfig", dict()),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_parity(tmp_path, name):
    kind, options = CASES[name]
    auto = "AutoModelForMaskedLM" if name == "eurobert" else "AutoModelForCausalLM"
    check_decoder(tmp_path, getattr(transformers, kind), options, auto, half="-" not in name)
