"""Qwen2 and Qwen2.5: Llama's shape with biases on queries, keys and values."""

from typing import Any

from jaxalign.models.config import Config, need
from jaxalign.models.families._llama_like import IGNORED, PREFIXES, decoder_table, read_decoder, read_layer_types

MODEL_TYPES = ("qwen2",)
table = decoder_table
__all__ = ["IGNORED", "MODEL_TYPES", "PREFIXES", "read", "read_windows", "table"]


def read(raw: dict[str, Any]) -> Config:
    """Returns the config out of the fields of config.json."""
    return read_decoder(raw, "qwen2", attention_bias=True, windows=read_windows(raw))


def read_windows(raw: dict[str, Any]) -> tuple[int, ...]:
    """Returns the window of each layer: those from `max_window_layers` on, where `use_sliding_window` is set."""
    if not raw.get("use_sliding_window") or not raw.get("sliding_window"):
        return ()
    window, count = raw["sliding_window"], need(raw, "num_hidden_layers")
    if raw.get("layer_types") is not None:
        return tuple(window if local else 0 for local in read_layer_types(raw, 1))
    first = raw.get("max_window_layers", 28)
    return tuple(window if layer >= first else 0 for layer in range(count))
