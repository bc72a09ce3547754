"""Cohere (Aya-23, Command R): attention and MLP side by side after one layer norm without bias, interleaved RoPE."""

from typing import Any

from jaxalign.models.config import Config
from jaxalign.models.families._llama_like import IGNORED, PREFIXES, decoder_table, read_decoder
from jaxalign.models.fields import Fields, need
from jaxalign.models.rope import read_rope

MODEL_TYPES = ("cohere",)
DEFAULTS = {"cohere": dict(layer_norm_eps=1e-5, max_position_embeddings=8192)}
table = decoder_table
__all__ = ["DEFAULTS", "IGNORED", "MODEL_TYPES", "PREFIXES", "read", "read_cohere", "table"]


def read(raw: Fields) -> Config:
    """Returns the config from the fields of config.json."""
    head_dim = raw.get("head_dim") or need(raw, "hidden_size") // need(raw, "num_attention_heads")
    rope = read_rope(raw, head_dim, base=500000.0)
    return read_cohere(raw, "cohere", ropes=(rope,), head_norm="each" if raw.get("use_qk_norm") else "")


def read_cohere(raw: Fields, family: str, **changes: Any) -> Config:
    """Returns the config of Cohere and Cohere2."""
    bias = bool(raw.get("attention_bias"))
    return read_decoder(
        raw,
        family,
        norm="layer",
        eps=need(raw, "layer_norm_eps"),
        order="parallel",
        rope_interleaved=True,
        attention_bias=bias,
        output_bias=bias,
        **changes,
    )
