"""BERT, RoBERTa, CamemBERT, XLM-R (mBERT, LaBSE, multilingual-E5): norms after the sums; XLM-R-XL: before."""

from typing import Any

from jaxalign.models.config import Config
from jaxalign.models.families._gpt_like import linears, norms, read_biased
from jaxalign.models.families._llama_like import Source, Table
from jaxalign.models.fields import Fields, activation, expect, need

MODEL_TYPES = ("bert", "roberta", "camembert", "xlm-roberta", "xlm-roberta-xl")
ROBERTA = dict(layer_norm_eps=1e-12, max_position_embeddings=512, type_vocab_size=2, pad_token_id=1)
DEFAULTS: dict[str, dict[str, Any]] = {kind: ROBERTA for kind in ("roberta", "camembert", "xlm-roberta")}
DEFAULTS["bert"] = ROBERTA | dict(pad_token_id=0)
DEFAULTS["xlm-roberta-xl"] = ROBERTA | dict(layer_norm_eps=1e-5, max_position_embeddings=514, type_vocab_size=1)
PREFIXES = ("bert.", "roberta.", "model.bert.", "model.roberta.")
IGNORED = (r"embeddings\.position_ids",)
RENAMED = ((r"LayerNorm\.gamma$", "LayerNorm.weight"), (r"LayerNorm\.beta$", "LayerNorm.bias"))  # before 2020


def read(raw: Fields) -> Config:
    """Returns the config from the fields of config.json."""
    expect(raw, "position_embedding_type", "absolute")
    expect(raw, "is_decoder", False)
    expect(raw, "embedding_size", need(raw, "hidden_size"))
    rows, kind = need(raw, "max_position_embeddings"), raw["model_type"]
    # RoBERTa counts positions from the row after the padding's own, and gives padding inside a text that row.
    pad = -1 if kind == "bert" else raw["pad_token_id"]
    before = kind == "xlm-roberta-xl"
    return read_biased(
        raw,
        family="bert",
        width=need(raw, "hidden_size"),
        heads=need(raw, "num_attention_heads"),
        num_layers=need(raw, "num_hidden_layers"),
        mlp_width=need(raw, "intermediate_size"),
        eps=need(raw, "layer_norm_eps"),
        max_length=rows - pad - 1,
        causal=False,
        default_pooling="mean",
        order="pre" if before else "post",
        final_norm=before,
        activation=activation(raw.get("hidden_act") or "gelu"),
        positions="learned",
        position_rows=rows,
        position_offset=pad + 1,
        pad_token=pad,
        token_types=need(raw, "type_vocab_size"),
        embed_norm=not before,
    )


def table(config: Config) -> Table:
    """Returns where each leaf is in a checkpoint."""
    layer = "encoder.layer.{layer}."
    leaves: Table = {
        "embed.tokens.embedding": Source("embeddings.word_embeddings.weight"),
        "embed.positions.embedding": Source("embeddings.position_embeddings.weight"),
        "embed.types.embedding": Source("embeddings.token_type_embeddings.weight"),
    }
    if config.order == "pre":
        modules = {"blocks.attention_norm": layer + "attention.self_attn_layer_norm",
                   "blocks.mlp_norm": layer + "LayerNorm", "norm": "encoder.LayerNorm"}  # fmt: skip
    else:
        modules = {"embed.norm": "embeddings.LayerNorm", "blocks.mlp_norm": layer + "output.LayerNorm",
                   "blocks.attention_norm": layer + "attention.output.LayerNorm"}  # fmt: skip
    maps = {f"blocks.attention.{name}": f"{layer}attention.self.{name}" for name in ("query", "key", "value")}
    maps["blocks.attention.output"] = layer + "attention.output.dense"
    maps |= {"blocks.mlp.up": layer + "intermediate.dense", "blocks.mlp.down": layer + "output.dense"}
    return leaves | norms(modules) | linears(maps)
