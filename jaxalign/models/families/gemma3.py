"""Gemma 3, text: Gemma 2 norms without caps, head norms, five local layers to a global one, two RoPE bases."""

from jaxalign.models.config import Config
from jaxalign.models.families._llama_like import PREFIXES as DECODER_PREFIXES
from jaxalign.models.families._llama_like import decoder_table, read_layer_types
from jaxalign.models.families.gemma import read_gemma
from jaxalign.models.fields import Fields
from jaxalign.models.rope import read_rope

MODEL_TYPES = ("gemma3_text", "gemma3")
PREFIXES = ("language_model.model.", "model.language_model.", *DECODER_PREFIXES)
IGNORED = (r"(?:language_model\.)?lm_head\.weight", r"(?:model\.)?(?:vision_tower|multi_modal_projector)\..*")
TEXT = dict(
    vocab_size=262208,
    num_attention_heads=8,
    num_key_value_heads=4,
    head_dim=256,
    rms_norm_eps=1e-6,
    max_position_embeddings=131072,
    query_pre_attn_scalar=256,
    sliding_window=4096,
)  # released files leave all of these out of `text_config`
DEFAULTS = {"gemma3_text": TEXT}
HARMLESS = ("vision_config", "mm_tokens_per_image", "image_token_index", "boi_token_index", "eoi_token_index",
            "boi_token_id", "eoi_token_id", "image_token_id", "video_token_id")  # fmt: skip
table = decoder_table


def read(raw: Fields) -> Config:
    """Returns the config from the fields of config.json, or of its `text_config` in a model that also sees images."""
    if "text_config" in raw or raw["model_type"] == "gemma3":
        raw = raw.text(raw.get("text_config", {}), TEXT)
    local = read_layer_types(raw, raw.get("sliding_window_pattern", raw.get("_sliding_window_pattern", 6)))
    head_dim, window = raw["head_dim"], raw["sliding_window"]
    both_ways = bool(raw.get("use_bidirectional_attention"))  # EmbeddingGemma
    near = read_rope(
        {"rope_parameters": raw.get("rope_parameters"), "rope_theta": raw.get("rope_local_base_freq")},
        head_dim,
        layer_type="sliding_attention",
    )
    far = read_rope(raw, head_dim, layer_type="full_attention", base=1e6)
    if both_ways:
        window = window // 2 + 1
    return read_gemma(
        raw,
        "gemma3",
        order="both",
        head_norm="shared",
        scale=raw["query_pre_attn_scalar"] ** -0.5,
        windows=tuple(window if is_local else 0 for is_local in local),
        ropes=(near, far),
        rope_kinds=tuple(0 if is_local else 1 for is_local in local),
        short_sums=True,  # the first token's features reach 1e5
        causal=not both_ways,
        default_pooling="mean" if both_ways else "last",
    )
