"""Qwen3 and its mixtures of experts: Llama's shape with RMS norms of each head's queries and keys, no biases."""

from typing import Any

from jaxalign.models.config import Config
from jaxalign.models.families._llama_like import IGNORED, PREFIXES, decoder_table, expert_sources, read_decoder
from jaxalign.models.families.qwen2 import read_qwen_windows
from jaxalign.models.fields import Fields, expect, need

MODEL_TYPES = ("qwen3", "qwen3_moe")
DEFAULTS = {
    "qwen3": dict(num_key_value_heads=32, head_dim=128, rms_norm_eps=1e-6, max_position_embeddings=32768),
    "qwen3_moe": dict(num_key_value_heads=4, rms_norm_eps=1e-6, max_position_embeddings=32768, num_experts=128,
                      num_experts_per_tok=8, moe_intermediate_size=768),
}  # fmt: skip
HARMLESS = ("use_mrope",)
__all__ = ["DEFAULTS", "HARMLESS", "IGNORED", "MODEL_TYPES", "PREFIXES", "read", "table"]


def read(raw: Fields) -> Config:
    """Returns the config from the fields of config.json."""
    bias = bool(raw.get("attention_bias"))
    experts: dict[str, Any] = {}
    if raw["model_type"] == "qwen3_moe":
        expect(raw, "decoder_sparse_step", 1)
        expect(raw, "mlp_only_layers", [])
        experts = dict(
            mlp_width=need(raw, "moe_intermediate_size"),
            experts=need(raw, "num_local_experts", "num_experts"),
            experts_per_token=need(raw, "num_experts_per_tok"),
            normalize_experts=bool(raw.get("norm_topk_prob")),
        )
    return read_decoder(
        raw,
        "qwen3",
        head_norm="shared",
        attention_bias=bias,
        output_bias=bias,
        windows=read_qwen_windows(raw),
        **experts,
    )


def table(config: Config) -> dict[str, Any]:
    """Returns where each leaf is in a checkpoint."""
    names = {"gate": "gate_proj", "up": "up_proj", "down": "down_proj"}
    return decoder_table(config) | (expert_sources("mlp.", names) if config.experts else {})
