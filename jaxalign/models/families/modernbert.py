"""ModernBERT (mmBERT): RoPE, a gated MLP, windows in two of three layers, no norm of the first block's input."""

from functools import partial

from jaxalign.models.config import Config
from jaxalign.models.families._llama_like import Source, Table, read_decoder, read_layer_types, transpose
from jaxalign.models.families.phi3 import rows
from jaxalign.models.fields import Fields, need
from jaxalign.models.rope import read_rope

MODEL_TYPES = ("modernbert",)
DEFAULTS = {"modernbert": dict(norm_eps=1e-5, max_position_embeddings=8192, local_attention=128)}
PREFIXES = ("model.",)
IGNORED = (r"(head|decoder|classifier)\..*", r".*rotary_emb\..*")
HARMLESS = ("decoder_bias", "deterministic_flash_attn", "sparse_prediction", "sparse_pred_ignore_index",
            "embedding_dropout", "mlp_dropout", "initializer_cutoff_factor", "reference_compile", "layer_norm_eps",
            "position_embedding_type", "repad_logits_with_grad")  # fmt: skip


def read(raw: Fields) -> Config:
    """Returns the config from the fields of config.json; `local_attention` counts the tokens on both sides."""
    every = raw.get("global_attn_every_n_layers", 3)
    head_dim = need(raw, "hidden_size") // need(raw, "num_attention_heads")
    count, named = need(raw, "num_hidden_layers"), raw.get("layer_types")
    local = read_layer_types(raw, 1) if named is not None else tuple(layer % every != 0 for layer in range(count))
    window = raw["local_attention"] // 2 + 1
    near_base = raw.get("local_rope_theta") or 10000.0
    far_base = raw.get("global_rope_theta") or 160000.0
    ropes = (
        read_rope(raw, head_dim, layer_type="sliding_attention", base=near_base),
        read_rope(raw, head_dim, layer_type="full_attention", base=far_base),
    )
    bias, norm_bias, mlp_bias = (bool(raw.get(name)) for name in ("attention_bias", "norm_bias", "mlp_bias"))
    return read_decoder(
        raw.changed({"hidden_act": raw.get("hidden_activation") or "gelu"}),
        "modernbert",
        eps=need(raw, "norm_eps"),
        causal=False,
        default_pooling="mean",
        norm="layer",
        norm_bias=norm_bias,
        attention_bias=bias,
        output_bias=bias,
        mlp_bias=mlp_bias,
        unnormed_first=True,
        embed_norm=True,
        windows=tuple(window if is_local else 0 for is_local in local),
        ropes=ropes,
        rope_kinds=tuple(0 if is_local else 1 for is_local in local),
    )


def table(config: Config) -> Table:
    """Returns where each leaf is in a checkpoint."""
    layer, width, inner = "layers.{layer}.", config.width, config.mlp_width
    modules = {"embed.norm": "embeddings.norm", "blocks.mlp_norm": layer + "mlp_norm", "norm": "final_norm"}
    leaves: Table = {f"{leaf}.scale": Source(f"{key}.weight") for leaf, key in modules.items()}
    leaves["embed.tokens.embedding"] = Source("embeddings.tok_embeddings.weight")
    leaves["blocks.attention_norm.scale"] = Source(layer + "attn_norm.weight", absent=1.0)  # none in the first block
    parts = {
        "attention.query": ("attn.Wqkv", 0, width),
        "attention.key": ("attn.Wqkv", width, 2 * width),
        "attention.value": ("attn.Wqkv", 2 * width, 3 * width),
        "attention.output": ("attn.Wo", 0, width),
        "mlp.gate": ("mlp.Wi", 0, inner),
        "mlp.up": ("mlp.Wi", inner, 2 * inner),
        "mlp.down": ("mlp.Wo", 0, width),
    }
    for leaf, (key, start, stop) in parts.items():
        whole, part = key.endswith("o"), partial(rows, start=start, stop=stop)
        leaves[f"blocks.{leaf}.kernel"] = Source(f"{layer}{key}.weight", transpose if whole else part)
        if config.attention_bias if key.startswith("attn") else config.mlp_bias:
            leaves[f"blocks.{leaf}.bias"] = Source(f"{layer}{key}.bias", None if whole else part)
    if config.norm_bias:
        leaves |= {f"{leaf}.bias": Source(f"{key}.bias") for leaf, key in modules.items()}
        leaves["blocks.attention_norm.bias"] = Source(layer + "attn_norm.bias", absent=0.0)
    return leaves
