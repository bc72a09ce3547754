"""GPT-2 (mGPT): learned positions; its maps are stored as (inputs, outputs), query, key and value side by side."""

from functools import partial

import jax

from jaxalign.models.config import Config
from jaxalign.models.families._gpt_like import linears, norms, read_biased
from jaxalign.models.families._llama_like import Source, Table
from jaxalign.models.fields import Fields, activation, expect, need

MODEL_TYPES = ("gpt2",)
DEFAULTS = {"gpt2": dict(n_positions=1024, layer_norm_epsilon=1e-5)}
HARMLESS = ("n_ctx", "reorder_and_upcast_attn")
PREFIXES = ("transformer.",)
IGNORED = (r"lm_head\.weight", r"h\.\d+\.attn\.(bias|masked_bias)")  # the latter two are masks


def read(raw: Fields) -> Config:
    """Returns the config from the fields of config.json."""
    expect(raw, "scale_attn_by_inverse_layer_idx", False)
    expect(raw, "scale_attn_weights", True)
    expect(raw, "add_cross_attention", False)
    width, length = need(raw, "n_embd", "hidden_size"), need(raw, "n_positions", "max_position_embeddings")
    return read_biased(
        raw,
        family="gpt2",
        width=width,
        heads=need(raw, "n_head", "num_attention_heads"),
        num_layers=need(raw, "n_layer", "num_hidden_layers"),
        mlp_width=raw.get("n_inner") or 4 * width,
        eps=need(raw, "layer_norm_epsilon"),
        max_length=length,
        activation=activation(raw.get("activation_function") or "gelu_new"),
        positions="learned",
        position_rows=length,
    )


def split(fused: jax.Array, *, part: int) -> jax.Array:
    """Returns query (0), key (1) or value (2) from a weight or bias that holds them side by side."""
    return fused.reshape(*fused.shape[:-1], 3, -1)[..., part, :]


def table(config: Config) -> Table:
    """Returns where each leaf is in a checkpoint."""
    layer = "h.{layer}."
    leaves: Table = {
        "embed.tokens.embedding": Source("wte.weight"),
        "embed.positions.embedding": Source("wpe.weight"),
    }
    leaves |= norms({"blocks.attention_norm": layer + "ln_1", "blocks.mlp_norm": layer + "ln_2", "norm": "ln_f"})
    leaves |= linears(
        {
            "blocks.attention.output": layer + "attn.c_proj",
            "blocks.mlp.up": layer + "mlp.c_fc",
            "blocks.mlp.down": layer + "mlp.c_proj",
        },
        take=None,
    )
    for part, name in enumerate(("query", "key", "value")):
        take = partial(split, part=part)
        leaves[f"blocks.attention.{name}.kernel"] = Source(layer + "attn.c_attn.weight", take)
        leaves[f"blocks.attention.{name}.bias"] = Source(layer + "attn.c_attn.bias", take)
    return leaves
