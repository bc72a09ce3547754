"""Apertus: Llama's shape with head norms, and an MLP without gate whose activation (xIELU) has learned slopes."""

from typing import Any

import jax

from jaxalign.models.config import Config
from jaxalign.models.families._llama_like import IGNORED, PREFIXES, Source, decoder_table, read_decoder
from jaxalign.models.fields import Fields, need
from jaxalign.models.rope import read_rope

MODEL_TYPES = ("apertus",)
DEFAULTS = {"apertus": dict(rms_norm_eps=1e-5, max_position_embeddings=65536, hidden_act="xielu")}
LLAMA3 = dict(rope_type="llama3", rope_theta=12000000.0, factor=8.0, original_max_position_embeddings=8192,
              low_freq_factor=1.0, high_freq_factor=4.0)  # fmt: skip
HARMLESS = ("post_norm", "qk_norm", "mlp_bias")
__all__ = ["DEFAULTS", "HARMLESS", "IGNORED", "MODEL_TYPES", "PREFIXES", "read", "scalar", "table"]


def read(raw: Fields) -> Config:
    """Returns the config from the fields of config.json."""
    bias = bool(raw.get("attention_bias"))
    head_dim = raw.get("head_dim") or need(raw, "hidden_size") // need(raw, "num_attention_heads")
    rope = raw if raw.get("rope_parameters") or raw.get("rope_scaling") else raw.changed({"rope_parameters": LLAMA3})
    return read_decoder(
        raw,
        "apertus",
        gated=False,
        head_norm="shared",
        attention_bias=bias,
        output_bias=bias,
        ropes=(read_rope(rope, head_dim, base=12000000.0),),
    )


def scalar(value: jax.Array) -> jax.Array:
    """Returns a tensor of one number as that number."""
    return value.reshape(())


def table(config: Config) -> dict[str, Any]:
    """Returns where each leaf is in a checkpoint."""
    leaves, layer = decoder_table(config), "layers.{layer}."
    del leaves["blocks.mlp.gate.kernel"]
    leaves["blocks.attention_norm.scale"] = Source(layer + "attention_layernorm.weight")
    leaves["blocks.mlp_norm.scale"] = Source(layer + "feedforward_layernorm.weight")
    for leaf, name in {"positive": "alpha_p", "negative": "alpha_n", "beta": "beta", "eps": "eps"}.items():
        leaves[f"blocks.mlp.xielu.{leaf}"] = Source(f"{layer}mlp.act_fn.{name}", scalar)
    return leaves
