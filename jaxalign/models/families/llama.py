"""Llama 2 and 3.x, and what is saved in its shape: EuroLLM, Salamandra, the demo model; EuroBERT, its encoder form."""

from jaxalign.models.config import Config
from jaxalign.models.families._llama_like import IGNORED, PREFIXES, decoder_table, read_decoder
from jaxalign.models.fields import Fields

MODEL_TYPES = ("llama", "eurobert")
DEFAULTS = {
    "llama": dict(rms_norm_eps=1e-6, max_position_embeddings=2048),
    "eurobert": dict(rms_norm_eps=1e-5, max_position_embeddings=8192),
}
table = decoder_table
__all__ = ["DEFAULTS", "IGNORED", "MODEL_TYPES", "PREFIXES", "read", "table"]


def read(raw: Fields) -> Config:
    """Returns the config from the fields of config.json."""
    bias, causal = bool(raw.get("attention_bias")), raw["model_type"] == "llama"
    return read_decoder(
        raw,
        "llama",
        attention_bias=bias,
        output_bias=bias,
        mlp_bias=bool(raw.get("mlp_bias")),
        causal=causal,
        default_pooling="last" if causal else "mean",
    )
