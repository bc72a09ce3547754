"""Gemma 1: norms times (1 + scale), embeddings times sqrt(width), tanh GELU, wide heads."""

from typing import Any

from jaxalign.models.config import Config
from jaxalign.models.families._llama_like import IGNORED, PREFIXES, decoder_table, read_decoder
from jaxalign.models.fields import Fields, expect, need

MODEL_TYPES = ("gemma",)
DEFAULTS = {
    "gemma": dict(num_key_value_heads=16, head_dim=256, rms_norm_eps=1e-6, max_position_embeddings=8192),
}
table = decoder_table
__all__ = ["DEFAULTS", "IGNORED", "MODEL_TYPES", "PREFIXES", "read", "read_gemma", "table"]


def read(raw: Fields) -> Config:
    """Returns the config from the fields of config.json."""
    expect(raw, "use_bidirectional_attention", False)
    return read_gemma(raw, "gemma")


def read_gemma(raw: Fields, family: str, **changes: Any) -> Config:
    """Returns the config of any Gemma. Early files of the first say "gelu" and mean the tanh form of training."""
    old, new = raw.get("hidden_act"), raw.get("hidden_activation")
    act, bias = new or old or "gelu_pytorch_tanh", bool(raw.get("attention_bias"))
    early = act == "gelu" and (family == "gemma" or new is None)
    return read_decoder(
        raw.changed({"hidden_act": "gelu_pytorch_tanh" if early else act}),
        family,
        norm="rms_offset",
        embed_scale=need(raw, "hidden_size") ** 0.5,
        attention_bias=bias,
        output_bias=bias,
        **changes,
    )
