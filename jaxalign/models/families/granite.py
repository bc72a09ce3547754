"""Granite 3: Llama's shape with a factor on the embedding, on the logits of attention, and on what each part adds."""

from jaxalign.models.config import Config
from jaxalign.models.families._llama_like import IGNORED, PREFIXES, decoder_table, read_decoder
from jaxalign.models.fields import Fields

MODEL_TYPES = ("granite",)
DEFAULTS = {"granite": dict(rms_norm_eps=1e-6, max_position_embeddings=2048)}
table = decoder_table
__all__ = ["DEFAULTS", "IGNORED", "MODEL_TYPES", "PREFIXES", "read", "table"]


def read(raw: Fields) -> Config:
    """Returns the config from the fields of config.json."""
    bias = bool(raw.get("attention_bias"))
    return read_decoder(
        raw,
        "granite",
        attention_bias=bias,
        output_bias=bias,
        mlp_bias=bool(raw.get("mlp_bias")),
        scale=float(raw.get("attention_multiplier", 1.0)),
        embed_scale=float(raw.get("embedding_multiplier", 1.0)),
        residual_scale=float(raw.get("residual_multiplier", 1.0)),
    )
