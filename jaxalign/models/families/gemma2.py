"""Gemma 2: Gemma with norms before and after both halves, capped logits, a window in every other layer."""

from jaxalign.models.config import Config
from jaxalign.models.families._llama_like import IGNORED, PREFIXES, decoder_table, read_windows
from jaxalign.models.families.gemma import read_gemma
from jaxalign.models.fields import Fields, expect, need

MODEL_TYPES = ("gemma2",)
DEFAULTS = {
    "gemma2": dict(num_key_value_heads=4, head_dim=256, rms_norm_eps=1e-6, max_position_embeddings=8192,
                   query_pre_attn_scalar=256, sliding_window=4096, attn_logit_softcapping=50.0),
}  # fmt: skip
HARMLESS = ("sliding_window_size",)  # released files have `sliding_window` too
table = decoder_table
__all__ = ["DEFAULTS", "HARMLESS", "IGNORED", "MODEL_TYPES", "PREFIXES", "read", "table"]


def read(raw: Fields) -> Config:
    """Returns the config from the fields of config.json."""
    expect(raw, "use_bidirectional_attention", False)
    return read_gemma(
        raw,
        "gemma2",
        order="both",
        scale=need(raw, "query_pre_attn_scalar") ** -0.5,
        logit_cap=0.0 if raw.get("attn_logit_softcapping") is None else need(raw, "attn_logit_softcapping"),
        windows=read_windows(raw, 2),
    )
