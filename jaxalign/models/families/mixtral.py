"""Mixtral: Mistral with a mixture of experts in place of the MLP."""

from typing import Any

from jaxalign.models.config import Config
from jaxalign.models.families._llama_like import (
    IGNORED,
    PREFIXES,
    decoder_table,
    expert_sources,
    read_decoder,
    read_windows,
)
from jaxalign.models.families.mistral import count_pattern
from jaxalign.models.fields import Fields, need
from jaxalign.models.rope import read_rope

MODEL_TYPES = ("mixtral",)
DEFAULTS = {
    "mixtral": dict(num_key_value_heads=8, rms_norm_eps=1e-5, max_position_embeddings=4096 * 32,
                    num_experts_per_tok=2, num_local_experts=8),
}  # fmt: skip
__all__ = ["DEFAULTS", "IGNORED", "MODEL_TYPES", "PREFIXES", "read", "table"]


def read(raw: Fields) -> Config:
    """Returns the config from the fields of config.json."""
    head_dim = raw.get("head_dim") or need(raw, "hidden_size") // need(raw, "num_attention_heads")
    return read_decoder(
        raw,
        "mixtral",
        windows=read_windows(raw, count_pattern(raw)),
        ropes=(read_rope(raw, head_dim, base=1e6),),
        experts=need(raw, "num_local_experts", "num_experts"),
        experts_per_token=need(raw, "num_experts_per_tok"),
    )


def table(config: Config) -> dict[str, Any]:
    """Returns where each leaf is in a checkpoint."""
    return decoder_table(config) | expert_sources("block_sparse_moe.", {"gate": "w1", "up": "w3", "down": "w2"})
