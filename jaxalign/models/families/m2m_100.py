"""The encoders of M2M-100, NLLB (sinusoids) and mBART (learned positions): norms before attention and MLP."""

import math

from jaxalign.models.config import Config
from jaxalign.models.families._gpt_like import linears, norms, read_biased
from jaxalign.models.families._llama_like import Source, Table
from jaxalign.models.fields import Fields, activation, need

MODEL_TYPES = ("m2m_100", "mbart")
DEFAULTS = {
    "m2m_100": dict(max_position_embeddings=1024, activation_function="relu", scale_embedding=True, pad_token_id=1),
    "mbart": dict(max_position_embeddings=1024, activation_function="gelu", scale_embedding=False, pad_token_id=1),
}
PREFIXES = ("model.",)
IGNORED = (r"lm_head\..*", r"final_logits_bias", r"classification_head\..*", r"qa_outputs\..*", r"decoder\..*",
           r"encoder\.embed_positions\.weights")  # fmt: skip
RENAMED = ((r"^(shared|encoder\.embed_tokens)\.weight$", "embed_tokens.weight"),)
HARMLESS = (
    "decoder_layers", "decoder_ffn_dim", "decoder_attention_heads", "is_encoder_decoder", "add_bias_logits",
    "add_final_layer_norm", "classif_dropout", "extra_pos_embeddings", "force_bos_token_to_be_generated",
    "gradient_checkpointing", "normalize_before", "normalize_embedding", "save_step", "static_position_embeddings",
    "add_cross_attention", "_num_labels", "num_hidden_layers", "vocab_size",
)  # fmt: skip


def read(raw: Fields) -> Config:
    """Returns the config from the fields of config.json; positions stand two rows further in both tables."""
    width, length, learned = need(raw, "d_model", "hidden_size"), need(raw, "max_position_embeddings"), False
    learned, scaled, pad = raw["model_type"] == "mbart", raw["scale_embedding"], raw["pad_token_id"]
    return read_biased(
        raw,
        family="m2m_100",
        width=width,
        heads=need(raw, "encoder_attention_heads"),
        num_layers=need(raw, "encoder_layers"),
        mlp_width=need(raw, "encoder_ffn_dim"),
        eps=1e-5,  # torch's default, which config.json does not name
        max_length=length,
        causal=False,
        default_pooling="mean",
        activation=activation(raw["activation_function"]),
        positions="learned" if learned else "sinusoid",
        position_rows=length + 2 if learned else 0,
        position_offset=2 if learned else pad + 1,
        pad_token=-1 if learned else pad,
        embed_scale=math.sqrt(width) if scaled else 1.0,
        embed_norm=learned,
    )


def table(config: Config) -> Table:
    """Returns where each leaf is in a checkpoint."""
    layer = "encoder.layers.{layer}."
    leaves: Table = {"embed.tokens.embedding": Source("embed_tokens.weight")}
    modules = {
        "blocks.attention_norm": layer + "self_attn_layer_norm",
        "blocks.mlp_norm": layer + "final_layer_norm",
        "norm": "encoder.layer_norm",
    }
    if config.position_rows:
        leaves["embed.positions.embedding"] = Source("encoder.embed_positions.weight")
        modules["embed.norm"] = "encoder.layernorm_embedding"
    letters = {"query": "q_proj", "key": "k_proj", "value": "v_proj", "output": "out_proj"}
    maps = {f"blocks.attention.{name}": f"{layer}self_attn.{key}" for name, key in letters.items()}
    return leaves | norms(modules) | linears(maps | {"blocks.mlp.up": layer + "fc1", "blocks.mlp.down": layer + "fc2"})
