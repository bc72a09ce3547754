"""DeBERTa-v2 and -v3 (mDeBERTa): BERT with disentangled attention and relative positions."""

from jaxalign.models.config import Config
from jaxalign.models.families._gpt_like import linears, norms, read_biased
from jaxalign.models.families._llama_like import Source, Table
from jaxalign.models.fields import Fields, activation, expect, need

MODEL_TYPES = ("deberta-v2",)
DEFAULTS = {"deberta-v2": dict(layer_norm_eps=1e-7, max_position_embeddings=512, position_biased_input=True)}
PREFIXES = ("deberta.",)
# "encoder.LayerNorm" is in the checkpoint of a model without relative attention too, and unused there.
IGNORED = (r"encoder\.LayerNorm\..*", r"(lm_predictions|mask_predictions)\..*", r"embeddings\.position_ids")
HARMLESS = ("legacy", "padding_idx")


def read(raw: Fields) -> Config:
    """Returns the config from the fields of config.json."""
    width, heads = need(raw, "hidden_size"), need(raw, "num_attention_heads")
    expect(raw, "conv_kernel_size", 0)  # the convolution after the first block of v2-xlarge
    expect(raw, "embedding_size", width)
    expect(raw, "attention_head_size", width // heads)
    kinds = raw.get("pos_att_type") or ()
    kinds = kinds.lower().split("|") if isinstance(kinds, str) else kinds
    kinds = tuple(sorted({kind.strip() for kind in kinds} & {"c2p", "p2c"}))
    scale = (width // heads * (1 + len(kinds))) ** -0.5  # the reference counts the kinds even where it computes none
    kinds = kinds if raw.get("relative_attention") else ()
    rows, farthest = need(raw, "max_position_embeddings"), raw.get("max_relative_positions", -1)
    biased, shared, buckets = raw["position_biased_input"], raw.get("share_att_key"), raw.get("position_buckets", -1)
    normed = "layer_norm" in str(raw.get("norm_rel_ebd", "none")).lower()
    return read_biased(
        raw,
        family="deberta-v2",
        width=width,
        heads=heads,
        num_layers=need(raw, "num_hidden_layers"),
        mlp_width=need(raw, "intermediate_size"),
        eps=need(raw, "layer_norm_eps"),
        max_length=rows,
        causal=False,
        default_pooling="mean",
        order="post",
        final_norm=False,
        activation=activation(raw.get("hidden_act") or "gelu"),
        positions="disentangled",
        position_rows=rows if biased else 0,
        token_types=raw.get("type_vocab_size") or 0,
        embed_norm=True,
        scale=scale,
        buckets=max(buckets, 0),
        bucket_distance=farthest if farthest >= 1 else rows,
        bucket_each_layer=True,  # no table of T5's kind
        relative=kinds,
        relative_shared=bool(shared),
        relative_norm=normed,
    )


def table(config: Config) -> Table:
    """Returns where each leaf is in a checkpoint."""
    layer = "encoder.layer.{layer}."
    leaves: Table = {"embed.tokens.embedding": Source("embeddings.word_embeddings.weight")}
    if config.position_rows:
        leaves["embed.positions.embedding"] = Source("embeddings.position_embeddings.weight")
    if config.token_types:
        leaves["embed.types.embedding"] = Source("embeddings.token_type_embeddings.weight")
    modules = {
        "embed.norm": "embeddings.LayerNorm",
        "blocks.attention_norm": layer + "attention.output.LayerNorm",
        "blocks.mlp_norm": layer + "output.LayerNorm",
    }
    names = {"query": "query_proj", "key": "key_proj", "value": "value_proj"}
    if config.relative:
        leaves["relative.table.embedding"] = Source("encoder.rel_embeddings.weight")
        if config.relative_norm:
            modules["relative.norm"] = "encoder.LayerNorm"
        if not config.relative_shared:
            own = (("key", "c2p"), ("query", "p2c"))
            names |= {f"position_{name}": f"pos_{name}_proj" for name, kind in own if kind in config.relative}
    maps = {f"blocks.attention.{leaf}": f"{layer}attention.self.{name}" for leaf, name in names.items()}
    maps["blocks.attention.output"] = layer + "attention.output.dense"
    maps |= {"blocks.mlp.up": layer + "intermediate.dense", "blocks.mlp.down": layer + "output.dense"}
    return leaves | norms(modules) | linears(maps)
