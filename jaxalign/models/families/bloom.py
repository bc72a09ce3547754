"""BLOOM and BLOOMZ: a norm right after the embedding, ALiBi, one fused map for query, key and value."""

from functools import partial
from typing import Any

import jax

from jaxalign.models.config import Config, expect, need
from jaxalign.models.families._gpt_like import linears, norms, read_biased
from jaxalign.models.families._llama_like import Source, Table

MODEL_TYPES = ("bloom",)
PREFIXES = ("transformer.",)
IGNORED = (r"lm_head\.weight",)


def read(raw: dict[str, Any]) -> Config:
    """Returns the config out of the fields of config.json."""
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
    """Returns query (0), key (1) or value (2) out of a weight or bias whose rows are (head, part, feature)."""
    rows = fused.reshape(heads, 3, -1, *fused.shape[1:])[:, part]
    return rows.reshape(-1, *fused.shape[1:]).T


def table(config: Config) -> Table:
    """Returns where each leaf lies in a checkpoint."""
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
