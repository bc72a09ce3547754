"""Mistral and Ministral: Llama's shape, with a sliding window in every layer of version 0.1 and in chosen layers."""

from jaxalign.models.config import Config
from jaxalign.models.families._llama_like import PREFIXES as DECODER_PREFIXES
from jaxalign.models.families._llama_like import decoder_table, original_length, read_decoder, read_windows
from jaxalign.models.fields import Fields
from jaxalign.models.rope import rope_fields

MODEL_TYPES = ("mistral", "ministral", "ministral3", "mistral3")
PREFIXES = ("language_model.model.", "model.language_model.", *DECODER_PREFIXES)
IGNORED = (
    r"(?:language_model\.)?lm_head\..*",
    r".*rotary_emb\.inv_freq",
    r"(?:model\.)?(?:vision_tower|multi_modal_projector)\..*",
)
MISTRAL = dict(num_key_value_heads=8, rms_norm_eps=1e-6, max_position_embeddings=4096 * 32, sliding_window=4096)
MINISTRAL_3 = dict(num_key_value_heads=8, head_dim=128, rms_norm_eps=1e-5, max_position_embeddings=262144)
MINISTRAL_3_ROPE = dict(rope_type="yarn", rope_theta=1e6, factor=16.0, original_max_position_embeddings=16384,
                        beta_fast=32.0, beta_slow=1.0, mscale=1.0, mscale_all_dim=1.0,
                        llama_4_scaling_beta=0.1)  # fmt: skip
DEFAULTS = {"mistral": MISTRAL, "ministral": MISTRAL, "ministral3": MINISTRAL_3}
HARMLESS = ("vision_config", "image_token_index", "multimodal_projector_bias", "projector_hidden_act",
            "spatial_merge_size", "vision_feature_layer")  # fmt: skip
table = decoder_table


def read(raw: Fields) -> Config:
    """Returns the config from the fields of config.json, or of its `text_config` in a model that also sees images."""
    if raw["model_type"] == "mistral3":
        text = raw["text_config"]
        raw = raw.text(text, DEFAULTS.get(text.get("model_type", "mistral"), {}))
    if raw["model_type"] != "ministral3":
        return read_decoder(raw, "mistral", windows=read_windows(raw, count_pattern(raw)))
    if not rope_fields(raw):
        raw = raw.changed({"rope_parameters": MINISTRAL_3_ROPE})
    # Queries grow by 1 + beta log(1 + floor(position / original length)), which is 1 within the original length.
    grows = bool(rope_fields(raw).get("llama_4_scaling_beta"))
    config = read_decoder(raw, "mistral", windows=read_windows(raw, count_pattern(raw)))
    return original_length(config, raw) if grows else config


def count_pattern(raw: Fields) -> int:
    """Without `layer_types` no layer sees all: the pattern is longer than the model."""
    return raw["num_hidden_layers"] + 1
