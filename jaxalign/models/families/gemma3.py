"""Gemma 3, text: Gemma 2 norms without caps, head norms, five local layers to a global one, two RoPE bases."""

from typing import Any

from jaxalign.models.config import Config
from jaxalign.models.families._llama_like import PREFIXES as DECODER_PREFIXES
from jaxalign.models.families._llama_like import decoder_table, read_layer_types
from jaxalign.models.families.gemma import read_gemma
from jaxalign.models.rope import read_rope

MODEL_TYPES = ("gemma3_text", "gemma3")
PREFIXES = ("language_model.model.", "model.language_model.", *DECODER_PREFIXES)
IGNORED = (r"(?:language_model\.)?lm_head\.weight", r"(?:model\.)?(?:vision_tower|multi_modal_projector)\..*")
# What released files leave out of `text_config`.
DEFAULTS = dict(
    vocab_size=262208,
    num_attention_heads=8,
    num_key_value_heads=4,
    head_dim=256,
    rms_norm_eps=1e-6,
    max_position_embeddings=131072,
    query_pre_attn_scalar=256,
    sliding_window=4096,
)
table = decoder_table


def read(raw: dict[str, Any]) -> Config:
    """Returns the config out of the fields of config.json, or of its `text_config` in a model that also sees images."""
    raw = DEFAULTS | {name: value for name, value in raw.get("text_config", raw).items() if value is not None}
    raw.setdefault("model_type", "gemma3_text")
    local = read_layer_types(raw, raw.get("sliding_window_pattern", 6))
    head_dim = raw["head_dim"]
    near = read_rope(
        {"rope_parameters": raw.get("rope_parameters"), "rope_theta": raw.get("rope_local_base_freq")},
        head_dim,
        layer_type="sliding_attention",
    )
    far = read_rope(raw, head_dim, layer_type="full_attention", base=1e6)
    return read_gemma(
        raw,
        "gemma3",
        order="both",
        head_norm="shared",
        scale=raw["query_pre_attn_scalar"] ** -0.5,
        logit_cap=raw.get("attn_logit_softcapping") or 0.0,
        windows=tuple(raw["sliding_window"] if is_local else 0 for is_local in local),
        ropes=(near, far),
        rope_kinds=tuple(0 if is_local else 1 for is_local in local),
    )
