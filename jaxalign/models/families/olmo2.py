"""OLMo 2 and 3: norms on what attention and MLP add, and one norm over all heads' queries and keys; 3 has windows."""

from typing import Any

from jaxalign.models.config import Config
from jaxalign.models.families._llama_like import IGNORED, PREFIXES, decoder_table, read_decoder, read_layer_types
from jaxalign.models.fields import Fields, need
from jaxalign.models.rope import read_rope

MODEL_TYPES = ("olmo2", "olmo3")
DEFAULTS = {
    "olmo2": dict(rms_norm_eps=1e-5, max_position_embeddings=2048),
    "olmo3": dict(rms_norm_eps=1e-5, max_position_embeddings=2048, sliding_window=4096),
}
table = decoder_table
__all__ = ["DEFAULTS", "IGNORED", "MODEL_TYPES", "PREFIXES", "read", "table"]


def read(raw: Fields) -> Config:
    """Returns the config from the fields of config.json; in OLMo 3 only layers that see all scale their rotation."""
    bias, options = bool(raw.get("attention_bias")), dict[str, Any]()
    if raw["model_type"] == "olmo3":
        head_dim = raw.get("head_dim") or need(raw, "hidden_size") // need(raw, "num_attention_heads")
        local, window, theta = read_layer_types(raw, 4), raw["sliding_window"], raw.get("rope_theta", 500000.0)
        both = raw.get("rope_parameters") or {}
        if both and "full_attention" not in both:
            both = {"full_attention": both, "sliding_attention": {"rope_theta": both.get("rope_theta", theta)}}
        near = both.get("sliding_attention") or {}
        far = both.get("full_attention") or raw.get("rope_scaling") or {}
        parts = [{**raw, "rope_parameters": {"rope_theta": theta, **part}} for part in (near, far)]
        options = dict(
            windows=tuple(window if is_local else 0 for is_local in local),
            ropes=tuple(read_rope(part, head_dim) for part in parts),
            rope_kinds=tuple(0 if is_local else 1 for is_local in local),
        )
    return read_decoder(
        raw,
        "olmo2",
        norm="rms_float32",
        order="after",
        head_norm="whole",
        attention_bias=bias,
        output_bias=bias,
        **options,
    )
