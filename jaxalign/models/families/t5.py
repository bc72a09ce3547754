"""T5, mT5 (mT0, Aya-101) and umT5: relative buckets in place of positions, no scale in attention, RMS norms."""

from jaxalign.models.config import Config
from jaxalign.models.families._llama_like import Source, Table, transpose
from jaxalign.models.fields import Fields, activation, need

MODEL_TYPES = ("t5", "mt5", "umt5")
DEFAULTS = {kind: dict(layer_norm_epsilon=1e-6, d_kv=64) for kind in MODEL_TYPES}
HARMLESS = ("is_decoder", "num_decoder_layers", "is_encoder_decoder",
            "scale_decoder_outputs")  # fmt: skip
PREFIXES = ("transformer.",)  # classification heads stand beside a "transformer"
# Attention of the decoder's first token to itself needs no query, key or bias: its softmax is 1.
IGNORED = (r"lm_head\.weight", r"decoder\..*")
RENAMED = ((r"^(shared|encoder\.embed_tokens)\.weight$", "embed_tokens.weight"),)
DTYPES = ("float32", "bfloat16")  # states overflow in float16


def read(raw: Fields) -> Config:
    """Returns the config from the fields of config.json."""
    layers, heads = need(raw, "num_layers", "num_hidden_layers"), need(raw, "num_heads", "num_attention_heads")
    kind, _, act = ("-" + (raw.get("feed_forward_proj") or DEFAULT_MLP[raw["model_type"]])).rpartition("-")
    # As in transformers, these two fields override what `feed_forward_proj` says.
    gated, named = raw.get("is_gated_act"), raw.get("dense_act_fn")
    gated = kind == "-gated" if gated is None else bool(gated)
    return Config(
        family="t5",
        vocab=need(raw, "vocab_size"),
        width=need(raw, "d_model", "hidden_size"),
        num_layers=layers,
        heads=heads,
        kv_heads=heads,
        head_dim=need(raw, "d_kv", "head_dim"),
        mlp_width=need(raw, "d_ff"),
        eps=need(raw, "layer_norm_epsilon"),
        max_length=raw.get("n_positions") or 1024,  # buckets have no end of their own; mT5 was trained on 1024
        causal=False,
        default_pooling="mean",
        activation="gelu_tanh" if not named and gated and act == "gelu" else activation(named or act),
        gated=gated,
        positions="buckets",
        buckets=raw.get("relative_attention_num_buckets") or 32,
        bucket_distance=raw.get("relative_attention_max_distance") or 128,
        bucket_each_layer=raw["model_type"] == "umt5",
        decoder_layers=(raw.get("num_decoder_layers") or layers) if raw.get("is_encoder_decoder", True) else 0,
        decoder_start=raw.get("decoder_start_token_id") or 0,
    )


DEFAULT_MLP = {"t5": "relu", "mt5": "gated-gelu", "umt5": "gated-gelu"}


def table(config: Config) -> Table:
    """Returns where each leaf is in a checkpoint."""
    stack = "encoder.block.{layer}.layer."
    attention = stack + "0.SelfAttention."
    bias = "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"
    leaves: Table = {
        "embed.tokens.embedding": Source("embed_tokens.weight"),
        "blocks.attention_norm.scale": Source(stack + "0.layer_norm.weight"),
        "norm.scale": Source("encoder.final_layer_norm.weight"),
    }
    if config.bucket_each_layer:
        leaves["blocks.attention.buckets.embedding"] = Source(attention + "relative_attention_bias.weight")
    else:
        leaves["buckets.embedding"] = Source(bias)
    for name, letter in LETTERS.items():
        leaves[f"blocks.attention.{name}.kernel"] = Source(f"{attention}{letter}.weight", transpose)
    leaves |= mlp("blocks", stack + "1.", config.gated)
    return leaves | (decoder_table(config) if config.decoder_layers else {})


LETTERS = {"query": "q", "key": "k", "value": "v", "output": "o"}


def mlp(leaf: str, key: str, gated: bool) -> Table:
    """Returns the MLP and its norm; without a gate `wi` stands for `wi_1`."""
    names = {"gate": "wi_0", "up": "wi_1", "down": "wo"} if gated else {"up": "wi", "down": "wo"}
    maps = {f"{leaf}.mlp.{ours}.kernel": f"{key}DenseReluDense.{theirs}.weight" for ours, theirs in names.items()}
    table: Table = {path: Source(name, transpose) for path, name in maps.items()}
    return table | {f"{leaf}.mlp_norm.scale": Source(f"{key}layer_norm.weight")}


def decoder_table(config: Config) -> Table:
    """Returns the leaves of the decoder's first step."""
    stack = "decoder.block.{layer}.layer."
    leaves: Table = {
        "decoder.norm.scale": Source("decoder.final_layer_norm.weight"),
        "decoder.blocks.attention_norm.scale": Source(stack + "0.layer_norm.weight"),
        "decoder.blocks.value.kernel": Source(stack + "0.SelfAttention.v.weight", transpose),
        "decoder.blocks.output.kernel": Source(stack + "0.SelfAttention.o.weight", transpose),
        "decoder.blocks.cross_norm.scale": Source(stack + "1.layer_norm.weight"),
    }
    for name, letter in LETTERS.items():
        key = f"{stack}1.EncDecAttention.{letter}.weight"
        leaves[f"decoder.blocks.cross.{name}.kernel"] = Source(key, transpose)
    return leaves | mlp("decoder.blocks", stack + "2.", config.gated)
