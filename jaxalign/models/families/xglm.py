"""XGLM: embedding times sqrt(width), sinusoids from position 2 on, layer norms before attention and MLP."""

import math

from jaxalign.models.config import Config
from jaxalign.models.families._gpt_like import linears, norms, read_biased
from jaxalign.models.families._llama_like import Source, Table
from jaxalign.models.fields import Fields, activation, expect, need

MODEL_TYPES = ("xglm",)
DEFAULTS = {"xglm": dict(max_position_embeddings=2048)}
PREFIXES = ("model.",)
IGNORED = (r"lm_head\.weight", r"embed_positions\.weights")  # the latter is computed


def read(raw: Fields) -> Config:
    """Returns the config from the fields of config.json."""
    expect(raw, "add_cross_attention", False)
    expect(raw, "pad_token_id", 1, 0)  # the reference sets the row of that number in the table of positions to 0
    width = need(raw, "d_model", "hidden_size")
    return read_biased(
        raw,
        family="xglm",
        width=width,
        heads=need(raw, "attention_heads", "num_attention_heads"),
        num_layers=need(raw, "num_layers", "num_hidden_layers"),
        mlp_width=need(raw, "ffn_dim"),
        eps=1e-5,  # torch's default, which config.json does not name
        max_length=need(raw, "max_position_embeddings"),
        activation=activation(raw.get("activation_function") or "gelu"),
        positions="sinusoid",
        position_offset=2,
        embed_scale=math.sqrt(width) if raw.get("scale_embedding", True) else 1.0,
    )


def table(config: Config) -> Table:
    """Returns where each leaf is in a checkpoint."""
    layer = "layers.{layer}."
    leaves: Table = {"embed.tokens.embedding": Source("embed_tokens.weight")}
    leaves |= norms(
        {
            "blocks.attention_norm": layer + "self_attn_layer_norm",
            "blocks.mlp_norm": layer + "final_layer_norm",
            "norm": "layer_norm",
        }
    )
    letters = {"query": "q_proj", "key": "k_proj", "value": "v_proj", "output": "out_proj"}
    maps = {f"blocks.attention.{name}": f"{layer}self_attn.{key}" for name, key in letters.items()}
    return leaves | linears(maps | {"blocks.mlp.up": layer + "fc1", "blocks.mlp.down": layer + "fc2"})
