"""What Llama-shaped families share: reading their config.json, and the place of their leaves in a checkpoint."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import jax

from jaxalign.models.config import Config
from jaxalign.models.fields import Fields, activation, need
from jaxalign.models.rope import read_rope, rope_fields
from jaxalign.types import InputError

PREFIXES = ("model.",)  # one of them may stand before every key
# Regular expressions of keys that no hidden state of a text needs: the output embedding, computed buffers.
IGNORED = (r"lm_head\..*", r".*rotary_emb\.inv_freq")


class Source(NamedTuple):
    """Where a leaf comes from: a checkpoint key, and the function that makes its tensor the leaf.

    "{layer}" in the key stands for each layer, "{expert}" for each expert. `absent`: the number that fills the leaf in
    the first layer if that has no such tensor; None: it must be there.
    """

    key: str
    take: Callable[[jax.Array], jax.Array] | None = None
    absent: float | None = None


Table = dict[str, Source]  # path of a leaf, "blocks.mlp.up.kernel", -> its source


def transpose(tensor: jax.Array) -> jax.Array:
    """torch stores a linear map as (outputs, inputs), Flax as (inputs, outputs)."""
    return tensor.T


def read_decoder(raw: Fields, family: str, *, share: float | None = None, **changes: Any) -> Config:
    """Returns the config of a Llama-shaped model; `share` as in `read_rope`, `changes` are the family's own options."""
    width, heads = need(raw, "hidden_size"), need(raw, "num_attention_heads")
    head_dim = changes.pop("head_dim", None) or raw.get("head_dim") or width // heads
    common: dict[str, Any] = dict(
        family=family,
        vocab=need(raw, "vocab_size"),
        width=width,
        num_layers=need(raw, "num_hidden_layers"),
        heads=heads,
        kv_heads=raw.get("num_key_value_heads") or heads,
        head_dim=head_dim,
        mlp_width=need(raw, "intermediate_size"),
        eps=changes.pop("eps", None) or need(raw, "rms_norm_eps", "norm_eps"),
        max_length=need(raw, "max_position_embeddings"),
        activation=activation(raw.get("hidden_act") or "silu"),
        scale=head_dim**-0.5,
    )
    if "ropes" not in changes:
        common["ropes"] = (read_rope(raw, head_dim, share=share),)
    ropes = changes.get("ropes") or common["ropes"]
    common["max_length"] = min([common["max_length"], *(rope.longest for rope in ropes if rope.longest)])
    if common["heads"] % common["kv_heads"]:
        raise InputError(
            f"Expected a number of heads that num_key_value_heads divides, got {heads} and {common['kv_heads']}."
        )
    return Config(**(common | changes))


def original_length(config: Config, raw: Fields) -> Config:
    """Returns the config for texts within the length before RoPE was scaled."""
    length = rope_fields(raw).get("original_max_position_embeddings") or config.max_length
    return dataclasses.replace(config, max_length=min(config.max_length, int(length)))


def read_layer_types(raw: Fields, pattern: int) -> tuple[bool, ...]:
    """Returns for each layer whether it sees only a window; without `layer_types` every `pattern`-th sees all."""
    count = need(raw, "num_hidden_layers")
    named = raw.get("layer_types")
    if named is None:
        return tuple((layer + 1) % pattern != 0 for layer in range(count))
    if len(named) != count or not set(named) <= {"sliding_attention", "full_attention"}:
        raise InputError(
            f"Expected {count} layer_types of sliding_attention and full_attention in config.json, got {named}."
        )
    return tuple(name == "sliding_attention" for name in named)


def read_windows(raw: Fields, pattern: int) -> tuple[int, ...]:
    """Returns the window of each layer (0: sees all) from `sliding_window` and `layer_types`."""
    window = raw.get("sliding_window")
    local = read_layer_types(raw, pattern)
    return tuple(window if is_local else 0 for is_local in local) if window else ()


def expert_sources(module: str, names: dict[str, str]) -> Table:
    """Returns the sources of a mixture of experts in `module` of each layer; `names` of gate, up and down there."""
    layer = "layers.{layer}." + module
    table: Table = {"blocks.mlp.router.kernel": Source(layer + "gate.weight", transpose)}
    for leaf, name in names.items():
        table[f"blocks.mlp.{leaf}.kernel"] = Source(layer + "experts.{expert}." + name + ".weight", transpose)
    return table


def decoder_table(config: Config) -> Table:
    """Returns the table of a Llama-shaped model with the options that `config` names."""
    block = {
        "attention_norm.scale": Source("input_layernorm.weight"),
        "mlp.gate.kernel": Source("mlp.gate_proj.weight", transpose),
        "mlp.up.kernel": Source("mlp.up_proj.weight", transpose),
        "mlp.down.kernel": Source("mlp.down_proj.weight", transpose),
    }
    if config.order == "pre":
        block["mlp_norm.scale"] = Source("post_attention_layernorm.weight")
    if config.order == "after":
        block["attention_norm.scale"] = Source("post_attention_layernorm.weight")
        block["mlp_norm.scale"] = Source("post_feedforward_layernorm.weight")
    if config.order == "both":
        block["attention_post_norm.scale"] = Source("post_attention_layernorm.weight")
        block["mlp_norm.scale"] = Source("pre_feedforward_layernorm.weight")
        block["mlp_post_norm.scale"] = Source("post_feedforward_layernorm.weight")
    letters = {"query": "q", "key": "k", "value": "v", "output": "o"}
    for name, letter in letters.items():
        block[f"attention.{name}.kernel"] = Source(f"self_attn.{letter}_proj.weight", transpose)
        if config.output_bias if name == "output" else config.attention_bias:
            block[f"attention.{name}.bias"] = Source(f"self_attn.{letter}_proj.bias")
    if config.mlp_bias:
        for name in ("gate", "up", "down"):
            block[f"mlp.{name}.bias"] = Source(f"mlp.{name}_proj.bias")
    if config.head_norm:
        block["attention.query_norm.scale"] = Source("self_attn.q_norm.weight")
        block["attention.key_norm.scale"] = Source("self_attn.k_norm.weight")
    table = {f"blocks.{leaf}": source._replace(key="layers.{layer}." + source.key) for leaf, source in block.items()}
    return table | {"embed.tokens.embedding": Source("embed_tokens.weight"), "norm.scale": Source("norm.weight")}
