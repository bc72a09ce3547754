"""GPT-NeoX (Pythia): attention and MLP side by side, each with its norm, one fused map, a quarter of a head turned."""

from functools import partial

from jaxalign.models.config import Config
from jaxalign.models.families._gpt_like import linears, norms, read_biased
from jaxalign.models.families._llama_like import Source, Table
from jaxalign.models.families.bloom import split
from jaxalign.models.fields import Fields, activation, need
from jaxalign.models.rope import read_rope

MODEL_TYPES = ("gpt_neox",)
DEFAULTS = {"gpt_neox": dict(layer_norm_eps=1e-5, max_position_embeddings=2048)}
HARMLESS = ("num_key_value_heads",)  # not read by the reference
PREFIXES = ("gpt_neox.",)
IGNORED = (r".*rotary_emb\.inv_freq", r"layers\.\d+\.attention\.(bias|masked_bias)")


def read(raw: Fields) -> Config:
    """Returns the config from the fields of config.json."""
    width, heads = need(raw, "hidden_size"), need(raw, "num_attention_heads")
    bias = bool(raw.get("attention_bias", True))
    base, share = raw.get("rotary_emb_base", 10000), raw.get("rotary_pct", 0.25)
    return read_biased(
        raw,
        family="gpt_neox",
        width=width,
        heads=heads,
        num_layers=need(raw, "num_hidden_layers"),
        mlp_width=need(raw, "intermediate_size"),
        eps=need(raw, "layer_norm_eps"),
        max_length=need(raw, "max_position_embeddings"),
        activation=activation(raw.get("hidden_act") or "gelu"),
        order="parallel_two" if raw.get("use_parallel_residual", True) else "pre",
        attention_bias=bias,
        output_bias=bias,
        ropes=(read_rope(raw, width // heads, base=base, share=share),),
    )


def table(config: Config) -> Table:
    """Returns where each leaf is in a checkpoint."""
    layer = "layers.{layer}."
    leaves: Table = {"embed.tokens.embedding": Source("embed_in.weight")}
    leaves |= norms(
        {
            "blocks.attention_norm": layer + "input_layernorm",
            "blocks.mlp_norm": layer + "post_attention_layernorm",
            "norm": "final_layer_norm",
        }
    )
    maps = {"attention.output": "attention.dense", "mlp.up": "mlp.dense_h_to_4h", "mlp.down": "mlp.dense_4h_to_h"}
    leaves |= linears({f"blocks.{leaf}": layer + key for leaf, key in maps.items()})
    for part, name in enumerate(("query", "key", "value")):
        take = partial(split, part=part, heads=config.heads)
        leaves[f"blocks.attention.{name}.kernel"] = Source(layer + "attention.query_key_value.weight", take)
        leaves[f"blocks.attention.{name}.bias"] = Source(layer + "attention.query_key_value.bias", take)
    if not config.attention_bias:
        leaves = {leaf: each for leaf, each in leaves.items() if ".attention." not in leaf or leaf.endswith("kernel")}
    return leaves
