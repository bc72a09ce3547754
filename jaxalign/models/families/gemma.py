"""Gemma 1: norms times (1 + scale), embeddings times sqrt(width), tanh GELU, wide heads."""

from typing import Any

from jaxalign.models.config import Config, need
from jaxalign.models.families._llama_like import IGNORED, PREFIXES, decoder_table, read_decoder
from jaxalign.types import InputError

MODEL_TYPES = ("gemma",)
table = decoder_table
__all__ = ["IGNORED", "MODEL_TYPES", "PREFIXES", "read", "read_gemma", "table"]


def read(raw: dict[str, Any]) -> Config:
    """Returns the config out of the fields of config.json."""
    return read_gemma(raw, "gemma")


def read_gemma(raw: dict[str, Any], family: str, **changes: Any) -> Config:
    """Returns the config of any Gemma. Early files say "gelu" and mean the tanh form, which training used."""
    if raw.get("use_bidirectional_attention"):
        raise InputError("Expected a causal Gemma, got use_bidirectional_attention in config.json: not supported.")
    act = raw.get("hidden_activation") or raw.get("hidden_act") or "gelu_pytorch_tanh"
    bias = bool(raw.get("attention_bias"))
    return read_decoder(
        raw | {"hidden_act": "gelu_pytorch_tanh" if act == "gelu" else act},
        family,
        head_dim=raw.get("head_dim") or 256,
        norm="rms_offset",
        embed_scale=need(raw, "hidden_size") ** 0.5,
        attention_bias=bias,
        output_bias=bias,
        **changes,
    )
