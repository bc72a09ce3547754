"""Llama 2 and 3.x, and what is saved in its shape: EuroLLM, Salamandra, the demo model."""

from typing import Any

from jaxalign.models.config import Config
from jaxalign.models.families._llama_like import IGNORED, PREFIXES, decoder_table, read_decoder

MODEL_TYPES = ("llama",)
table = decoder_table
__all__ = ["IGNORED", "MODEL_TYPES", "PREFIXES", "read", "table"]


def read(raw: dict[str, Any]) -> Config:
    """Returns the config out of the fields of config.json."""
    bias = bool(raw.get("attention_bias"))
    return read_decoder(raw, "llama", attention_bias=bias, output_bias=bias, mlp_bias=bool(raw.get("mlp_bias")))
