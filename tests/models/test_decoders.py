"""The Llama-shaped families against transformers: every layer, lengths 1 to 512, float32; bfloat16 once a family."""

import pytest

from tests.models.parity import check_family

transformers = pytest.importorskip("transformers")
pytest.importorskip("torch")

SMALL = dict(
    vocab_size=97, hidden_size=48, intermediate_size=80, num_hidden_layers=3, num_attention_heads=6,
    num_key_value_heads=2, max_position_embeddings=1024, pad_token_id=0, bos_token_id=1, eos_token_id=2,
)  # fmt: skip
ODD = dict(hidden_size=60, num_attention_heads=5, num_key_value_heads=5)
LLAMA3 = dict(rope_type="llama3", rope_theta=500.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=64)  # fmt: skip
TWO_BASES = dict(
    sliding_attention=dict(rope_type="default", rope_theta=100.0),
    full_attention=dict(rope_type="linear", factor=8.0, rope_theta=5000.0),
)
LOCAL, FULL = "sliding_attention", "full_attention"
CASES = {
    "llama": ("LlamaConfig", dict(head_dim=10)),
    "llama-odd-biases-tied": ("LlamaConfig", ODD | dict(attention_bias=True, mlp_bias=True, tie_word_embeddings=True)),
    "llama3-rope": ("LlamaConfig", dict(rope_parameters=LLAMA3, head_dim=20)),
    "llama-linear-rope": ("LlamaConfig", dict(rope_parameters=dict(rope_type="linear", factor=4.0, rope_theta=1e4))),
    "mistral": ("MistralConfig", dict(sliding_window=None)),
    "mistral-window": ("MistralConfig", dict(sliding_window=20)),
    "qwen2": ("Qwen2Config", ODD | dict(tie_word_embeddings=True)),
    "qwen2-window": ("Qwen2Config", dict(use_sliding_window=True, sliding_window=30, max_window_layers=1)),
    "qwen3": ("Qwen3Config", dict(head_dim=16)),
    "gemma": ("GemmaConfig", dict(head_dim=16)),
    "gemma2": ("Gemma2Config", dict(head_dim=16, query_pre_attn_scalar=24, sliding_window=40)),
    "gemma3": ("Gemma3TextConfig", dict(head_dim=16, query_pre_attn_scalar=24, sliding_window=40,
               layer_types=[LOCAL, FULL, LOCAL], rope_parameters=TWO_BASES)),
    "cohere": ("CohereConfig", dict(num_key_value_heads=3)),
    "cohere-odd-head-norms": ("CohereConfig", ODD | dict(use_qk_norm=True, attention_bias=True)),
    "cohere2": ("Cohere2Config", dict(sliding_window=40, layer_types=[LOCAL, FULL, LOCAL])),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_parity(tmp_path, name):
    config, options = CASES[name]
    check_family(tmp_path, getattr(transformers, config)(**(SMALL | options)), half="-" not in name)
