"""Phi-3 and Phi-4-mini: Llama's shape with fused maps, partial rotation, LongRoPE."""

from functools import partial
from typing import Any

import jax

from jaxalign.models.config import Config
from jaxalign.models.families._llama_like import IGNORED, PREFIXES, Source, decoder_table, read_decoder, read_windows
from jaxalign.models.fields import Fields

MODEL_TYPES = ("phi3",)
DEFAULTS = {
    "phi3": dict(rms_norm_eps=1e-5, max_position_embeddings=4096, original_max_position_embeddings=4096),
}
# LongRoPE reads `original_max_position_embeddings`; without it the field changes nothing.
HARMLESS = ("original_max_position_embeddings", "interpolate_factor", "lm_head_bias", "full_attn_mod")
__all__ = ["DEFAULTS", "HARMLESS", "IGNORED", "MODEL_TYPES", "PREFIXES", "read", "rows", "table"]


def read(raw: Fields) -> Config:
    """Returns the config from the fields of config.json."""
    return read_decoder(raw, "phi3", share=1.0, windows=read_windows(raw, raw["num_hidden_layers"] + 1))


def rows(fused: jax.Array, *, start: int, stop: int) -> jax.Array:
    """Returns outputs `start` to `stop` of a fused map, as (inputs, outputs)."""
    return fused[start:stop].T


def table(config: Config) -> dict[str, Any]:
    """Returns where each leaf is in a checkpoint."""
    leaves = decoder_table(config)
    edges = [0, config.query_width, config.query_width + config.kv_width, config.query_width + 2 * config.kv_width]
    for place, name in enumerate(("query", "key", "value")):
        take = partial(rows, start=edges[place], stop=edges[place + 1])
        leaves[f"blocks.attention.{name}.kernel"] = Source("layers.{layer}.self_attn.qkv_proj.weight", take)
    return leaves | fused_mlp(config)


def fused_mlp(config: Config) -> dict[str, Any]:
    """Returns the table of gate and up in one map, gate first."""
    width, key = config.mlp_width, "layers.{layer}.mlp.gate_up_proj.weight"
    return {
        "blocks.mlp.gate.kernel": Source(key, partial(rows, start=0, stop=width)),
        "blocks.mlp.up.kernel": Source(key, partial(rows, start=width, stop=2 * width)),
    }
