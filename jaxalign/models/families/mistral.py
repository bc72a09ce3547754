"""Mistral: Llama's shape, with a sliding window in every layer of version 0.1."""

from typing import Any

from jaxalign.models.config import Config
from jaxalign.models.families._llama_like import IGNORED, PREFIXES, decoder_table, read_decoder

MODEL_TYPES = ("mistral",)
table = decoder_table
__all__ = ["IGNORED", "MODEL_TYPES", "PREFIXES", "read", "table"]


def read(raw: dict[str, Any]) -> Config:
    """Returns the config out of the fields of config.json."""
    window = raw.get("sliding_window")
    return read_decoder(raw, "mistral", windows=(window,) * raw.get("num_hidden_layers", 0) if window else ())
