"""BLOOM and BLOOMZ: a norm right after the embedding, ALiBi, one fused map for query, key and value."""

from functools import partial

import jax

from jaxalign.models.config import Config
from jaxalign.models.families._gpt_like import linears, norms, read_biased
from jaxalign.models.families._llama_like import Source, Table
from jaxalign.models.fields import Fields, expect, need

MODEL_TYPES = ("bloom",)
DEFAULTS = {"bloom": dict(layer_norm_epsilon=1e-5)}
HARMLESS = ("masked_softmax_fusion", "bias_dropout_fusion", "attention_softmax_in_fp32", "skip_bias_add",
            "skip_bias_add_qkv", "offset_alibi", "hidden_size", "seq_length", "unk_token_id", "n_inner")  # fmt: skip
PREFIXES = ("transformer.",)
IGNORED = (r"lm_head\..*",)


def read(raw: Fields) -> Config:
    """Returns the config from the fields of config.json."""
    expect(raw, "apply_residual_connection_post_layernorm", False)
    width = need(raw, "hidden_size", "n_embed")
    return read_biased(
        raw,
        family="bloom",
        width=width,
        heads=need(raw, "n_head", "num_attention_heads"),
        num_layers=need(raw, "n_layer", "num_hidden_layers"),
        mlp_width=4 * width,
        eps=need(raw, "layer_norm_epsilon"),
        max_length=raw.get("seq_length") or 2048,  # ALiBi has no end of its own; the length of BLOOM's training
        activation="gelu_tanh",
        positions="alibi",
        embed_norm=True,
    )


def split(fused: jax.Array, *, part: int, heads: int) -> jax.Array:
    """Returns query (0), key (1) or value (2) from a weight or bias whose rows are (head, part, feature)."""
    rows = fused.reshape(heads, 3, -1, *fused.shape[1:])[:, part]
    return rows.reshape(-1, *fused.shape[1:]).T


def table(config: Config) -> Table:
    """Returns where each leaf is in a checkpoint."""
    layer = "h.{layer}."
    leaves: Table = {"embed.tokens.embedding": Source("word_embeddings.weight")}
    leaves |= norms(
        {
            "embed.norm": "word_embeddings_layernorm",
            "blocks.attention_norm": layer + "input_layernorm",
            "blocks.mlp_norm": layer + "post_attention_layernorm",
            "norm": "ln_f",
        }
    )
    leaves |= linears(
        {
            "blocks.attention.output": layer + "self_attention.dense",
            "blocks.mlp.up": layer + "mlp.dense_h_to_4h",
            "blocks.mlp.down": layer + "mlp.dense_4h_to_h",
        }
    )
    for part, name in enumerate(("query", "key", "value")):
        take = partial(split, part=part, heads=config.heads)
        leaves[f"blocks.attention.{name}.kernel"] = Source(layer + "self_attention.query_key_value.weight", take)
        leaves[f"blocks.attention.{name}.bias"] = Source(layer + "self_attention.query_key_value.bias", take)
    return leaves
