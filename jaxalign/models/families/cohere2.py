"""Cohere2 (Command R7B and its like): Cohere with RoPE in the local layers and no positions in the global ones."""

from typing import Any

from jaxalign.models.config import Config, need
from jaxalign.models.families._llama_like import IGNORED, PREFIXES, decoder_table, read_layer_types
from jaxalign.models.families.cohere import read_cohere
from jaxalign.models.rope import no_rope, read_rope

MODEL_TYPES = ("cohere2",)
table = decoder_table
__all__ = ["IGNORED", "MODEL_TYPES", "PREFIXES", "read", "table"]


def read(raw: dict[str, Any]) -> Config:
    """Returns the config out of the fields of config.json."""
    local = read_layer_types(raw, raw.get("sliding_window_pattern") or 4)
    head_dim = raw.get("head_dim") or need(raw, "hidden_size") // need(raw, "num_attention_heads")
    window = need(raw, "sliding_window")
    return read_cohere(
        raw,
        "cohere2",
        windows=tuple(window if is_local else 0 for is_local in local),
        ropes=(read_rope(raw, head_dim), no_rope(head_dim)),
        rope_kinds=tuple(0 if is_local else 1 for is_local in local),
    )
