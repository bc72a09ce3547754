"""DistilBERT: BERT without token types."""

from jaxalign.models.config import Config
from jaxalign.models.families._gpt_like import linears, norms, read_biased
from jaxalign.models.families._llama_like import Source, Table
from jaxalign.models.fields import Fields, activation, need

MODEL_TYPES = ("distilbert",)
DEFAULTS = {"distilbert": dict(max_position_embeddings=512, n_layers=6, n_heads=12, dim=768, hidden_dim=3072)}
PREFIXES = ("distilbert.",)
IGNORED = (r"(vocab_transform|vocab_layer_norm|vocab_projector|pre_classifier)\..*", r"embeddings\.position_ids")
RENAMED = ((r"LayerNorm\.gamma$", "LayerNorm.weight"), (r"LayerNorm\.beta$", "LayerNorm.bias"))
HARMLESS = ("sinusoidal_pos_embds",)  # the table of positions is in the checkpoint, whatever it was initialised with


def read(raw: Fields) -> Config:
    """Returns the config from the fields of config.json."""
    rows = need(raw, "max_position_embeddings")
    return read_biased(
        raw,
        family="distilbert",
        width=need(raw, "dim", "hidden_size"),
        heads=need(raw, "n_heads", "num_attention_heads"),
        num_layers=need(raw, "n_layers", "num_hidden_layers"),
        mlp_width=need(raw, "hidden_dim"),
        eps=1e-12,  # fixed in the reference
        max_length=rows,
        causal=False,
        default_pooling="mean",
        order="post",
        final_norm=False,
        activation=activation(raw.get("activation") or "gelu"),
        positions="learned",
        position_rows=rows,
        embed_norm=True,
    )


def table(config: Config) -> Table:
    """Returns where each leaf is in a checkpoint."""
    layer = "transformer.layer.{layer}."
    leaves: Table = {
        "embed.tokens.embedding": Source("embeddings.word_embeddings.weight"),
        "embed.positions.embedding": Source("embeddings.position_embeddings.weight"),
    }
    leaves |= norms(
        {
            "embed.norm": "embeddings.LayerNorm",
            "blocks.attention_norm": layer + "sa_layer_norm",
            "blocks.mlp_norm": layer + "output_layer_norm",
        }
    )
    letters = {"query": "q", "key": "k", "value": "v", "output": "out"}
    maps = {f"blocks.attention.{name}": f"{layer}attention.{letter}_lin" for name, letter in letters.items()}
    return leaves | linears(maps | {"blocks.mlp.up": layer + "ffn.lin1", "blocks.mlp.down": layer + "ffn.lin2"})
