"""GLM-4 (glm, glm4): interleaved rotation of half of each head, gate and up in one map; glm4 has four norms a block."""

from typing import Any

from jaxalign.models.config import Config
from jaxalign.models.families._llama_like import IGNORED, PREFIXES, Source, decoder_table, read_decoder
from jaxalign.models.families.phi3 import fused_mlp
from jaxalign.models.fields import Fields

MODEL_TYPES = ("glm", "glm4")
GLM = dict(num_key_value_heads=2, head_dim=128, rms_norm_eps=0.00000015625, max_position_embeddings=131072)
DEFAULTS = {"glm": GLM, "glm4": GLM}
__all__ = ["DEFAULTS", "IGNORED", "MODEL_TYPES", "PREFIXES", "read", "table"]


def read(raw: Fields) -> Config:
    """Returns the config from the fields of config.json."""
    return read_decoder(
        raw,
        raw["model_type"],
        order="both" if raw["model_type"] == "glm4" else "pre",
        rope_interleaved=True,
        share=0.5,
        attention_bias=bool(raw.get("attention_bias", True)),
    )


def table(config: Config) -> dict[str, Any]:
    """Returns where each leaf is in a checkpoint."""
    leaves = decoder_table(config) | fused_mlp(config)
    if config.order == "both":
        layer = "layers.{layer}."
        leaves["blocks.attention_post_norm.scale"] = Source(layer + "post_self_attn_layernorm.weight")
        leaves["blocks.mlp_norm.scale"] = Source(layer + "post_attention_layernorm.weight")
        leaves["blocks.mlp_post_norm.scale"] = Source(layer + "post_mlp_layernorm.weight")
    return leaves
