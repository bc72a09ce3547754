"""BERT and XLM-R (mBERT, LaBSE, multilingual-E5, MiniLM): norms after the residual sums, learned positions."""

from typing import Any

from jaxalign.models.config import Config, activation, expect, need
from jaxalign.models.families._gpt_like import linears, norms, read_biased
from jaxalign.models.families._llama_like import Source, Table

MODEL_TYPES = ("bert", "roberta", "xlm-roberta")
PREFIXES = ("bert.", "roberta.")
IGNORED = (r"(pooler|cls|lm_head|classifier|qa_outputs)\..*", r"embeddings\.position_ids")
RENAMED = ((r"LayerNorm\.gamma$", "LayerNorm.weight"), (r"LayerNorm\.beta$", "LayerNorm.bias"))  # before 2020


def read(raw: dict[str, Any]) -> Config:
    """Returns the config out of the fields of config.json."""
    expect(raw, "position_embedding_type", "absolute")
    expect(raw, "is_decoder", False)
    rows = need(raw, "max_position_embeddings")
    # RoBERTa counts positions from the row behind the padding's own.
    offset = 0 if raw["model_type"] == "bert" else raw.get("pad_token_id", 1) + 1
    return read_biased(
        raw,
        family="bert",
        width=need(raw, "hidden_size"),
        heads=need(raw, "num_attention_heads"),
        num_layers=need(raw, "num_hidden_layers"),
        mlp_width=need(raw, "intermediate_size"),
        eps=need(raw, "layer_norm_eps"),
        max_length=rows - offset,
        causal=False,
        default_pooling="mean",
        order="post",
        final_norm=False,
        activation=activation(raw.get("hidden_act") or "gelu"),
        positions="learned",
        position_rows=rows,
        position_offset=offset,
        token_types=need(raw, "type_vocab_size"),
        embed_norm=True,
    )


def table(config: Config) -> Table:
    """Returns where each leaf lies in a checkpoint."""
    layer = "encoder.layer.{layer}."
    leaves: Table = {
        "embed.tokens.embedding": Source("embeddings.word_embeddings.weight"),
        "embed.positions.embedding": Source("embeddings.position_embeddings.weight"),
        "embed.types.embedding": Source("embeddings.token_type_embeddings.weight"),
    }
    leaves |= norms(
        {
            "embed.norm": "embeddings.LayerNorm",
            "blocks.attention_norm": layer + "attention.output.LayerNorm",
            "blocks.mlp_norm": layer + "output.LayerNorm",
        }
    )
    maps = {f"blocks.attention.{name}": f"{layer}attention.self.{name}" for name in ("query", "key", "value")}
    maps["blocks.attention.output"] = layer + "attention.output.dense"
    maps |= {"blocks.mlp.up": layer + "intermediate.dense", "blocks.mlp.down": layer + "output.dense"}
    return leaves | linears(maps)
