"""Qwen2 and Qwen2.5: Llama's shape with biases on queries, keys and values."""

from jaxalign.models.config import Config
from jaxalign.models.families._llama_like import IGNORED, PREFIXES, decoder_table, read_decoder, read_layer_types
from jaxalign.models.fields import Fields, need

MODEL_TYPES = ("qwen2",)
DEFAULTS = {"qwen2": dict(num_key_value_heads=32, rms_norm_eps=1e-6, max_position_embeddings=32768)}
HARMLESS = ("use_mrope",)
table = decoder_table
__all__ = ["DEFAULTS", "HARMLESS", "IGNORED", "MODEL_TYPES", "PREFIXES", "read", "read_qwen_windows", "table"]


def read(raw: Fields) -> Config:
    """Returns the config from the fields of config.json."""
    return read_decoder(raw, "qwen2", attention_bias=True, windows=read_qwen_windows(raw))


def read_qwen_windows(raw: Fields) -> tuple[int, ...]:
    """Returns the window of each layer: those from `max_window_layers` on, where `use_sliding_window` is set."""
    window, first, named = raw.get("sliding_window", 4096), raw.get("max_window_layers", 28), raw.get("layer_types")
    if not raw.get("use_sliding_window") or not window:
        return ()
    if named is not None:
        return tuple(window if local else 0 for local in read_layer_types(raw, 1))
    return tuple(window if layer >= first else 0 for layer in range(need(raw, "num_hidden_layers")))
