"""SmolLM3: Llama's shape with no positions in every fourth layer."""

from jaxalign.models.config import Config
from jaxalign.models.families._llama_like import IGNORED, PREFIXES, decoder_table, read_decoder, read_layer_types
from jaxalign.models.fields import Fields, need
from jaxalign.models.rope import no_rope, read_rope

MODEL_TYPES = ("smollm3",)
DEFAULTS = {"smollm3": dict(num_key_value_heads=4, rms_norm_eps=1e-6, max_position_embeddings=32768)}
HARMLESS = ("max_window_layers",)
table = decoder_table
__all__ = ["DEFAULTS", "HARMLESS", "IGNORED", "MODEL_TYPES", "PREFIXES", "read", "table"]


def read(raw: Fields) -> Config:
    """Returns the config from the fields of config.json."""
    count, interval = need(raw, "num_hidden_layers"), raw.get("no_rope_layer_interval", 4)
    rotated = raw.get("no_rope_layers") or [int((layer + 1) % interval != 0) for layer in range(count)]
    head_dim = raw.get("head_dim") or need(raw, "hidden_size") // need(raw, "num_attention_heads")
    window = raw.get("sliding_window") if raw.get("use_sliding_window") else None
    local = read_layer_types(raw, 1) if raw.get("layer_types") is not None else tuple(not each for each in rotated)
    bias = bool(raw.get("attention_bias"))
    return read_decoder(
        raw,
        "smollm3",
        attention_bias=bias,
        output_bias=bias,
        mlp_bias=bool(raw.get("mlp_bias")),
        windows=tuple(window if is_local else 0 for is_local in local) if window else (),
        ropes=(read_rope(raw, head_dim, base=2e6), no_rope(head_dim)),
        rope_kinds=tuple(0 if each else 1 for each in rotated),
    )
