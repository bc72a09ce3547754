"""Qwen3: Llama's shape with RMS norms of each head's queries and keys, no biases."""

from typing import Any

from jaxalign.models.config import Config
from jaxalign.models.families._llama_like import IGNORED, PREFIXES, decoder_table, read_decoder
from jaxalign.models.families.qwen2 import read_windows

MODEL_TYPES = ("qwen3",)
table = decoder_table
__all__ = ["IGNORED", "MODEL_TYPES", "PREFIXES", "read", "table"]


def read(raw: dict[str, Any]) -> Config:
    """Returns the config out of the fields of config.json."""
    bias = bool(raw.get("attention_bias"))
    return read_decoder(
        raw,
        "qwen3",
        head_dim=raw.get("head_dim") or 128,
        head_norm="shared",
        attention_bias=bias,
        output_bias=bias,
        windows=read_windows(raw),
    )
