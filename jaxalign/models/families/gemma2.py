"""Gemma 2: Gemma with norms before and after both halves, capped logits, a window in every other layer."""

from typing import Any

from jaxalign.models.config import Config, need
from jaxalign.models.families._llama_like import IGNORED, PREFIXES, decoder_table, read_layer_types
from jaxalign.models.families.gemma import read_gemma

MODEL_TYPES = ("gemma2",)
table = decoder_table
__all__ = ["IGNORED", "MODEL_TYPES", "PREFIXES", "read", "table"]


def read(raw: dict[str, Any]) -> Config:
    """Returns the config out of the fields of config.json."""
    window = need(raw, "sliding_window")
    return read_gemma(
        raw,
        "gemma2",
        order="both",
        scale=need(raw, "query_pre_attn_scalar") ** -0.5,
        logit_cap=raw.get("attn_logit_softcapping") or 0.0,
        windows=tuple(window if local else 0 for local in read_layer_types(raw, 2)),
    )
