"""Cohere2 (Command R7B and its like): Cohere with RoPE in the local layers and no positions in the global ones."""

from jaxalign.models.config import Config
from jaxalign.models.families._llama_like import IGNORED, PREFIXES, decoder_table, read_layer_types
from jaxalign.models.families.cohere import read_cohere
from jaxalign.models.fields import Fields, need
from jaxalign.models.rope import no_rope, read_rope

MODEL_TYPES = ("cohere2",)
DEFAULTS = {"cohere2": dict(layer_norm_eps=1e-5, max_position_embeddings=8192, sliding_window=4096)}
HARMLESS = ("layer_switch", "order_of_interleaved_layers", "rotary_pct", "position_embedding_type")
table = decoder_table
__all__ = ["DEFAULTS", "HARMLESS", "IGNORED", "MODEL_TYPES", "PREFIXES", "read", "table"]


def read(raw: Fields) -> Config:
    """Returns the config from the fields of config.json."""
    local = read_layer_types(raw, raw.get("sliding_window_pattern", raw.get("_sliding_window_pattern", 4)))
    head_dim = raw.get("head_dim") or need(raw, "hidden_size") // need(raw, "num_attention_heads")
    window = need(raw, "sliding_window")
    return read_cohere(
        raw,
        "cohere2",
        windows=tuple(window if is_local else 0 for is_local in local),
        ropes=(read_rope(raw, head_dim), no_rope(head_dim)),
        rope_kinds=tuple(0 if is_local else 1 for is_local in local),
    )
