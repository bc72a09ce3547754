"""What BLOOM, XGLM, GPT-2 and BERT share: layer norms, an MLP without gate, and a bias beside every weight."""

from collections.abc import Mapping
from typing import Any

from jaxalign.models.config import Config, need
from jaxalign.models.families._llama_like import Source, Table, transpose
from jaxalign.types import InputError


def read_biased(raw: dict[str, Any], *, family: str, width: int, heads: int, **changes: Any) -> Config:
    """Returns the config of such a model; `changes` are the family's own options."""
    if width % heads:
        raise InputError(f"Expected a width that the heads divide in config.json, got {width} and {heads}.")
    common: dict[str, Any] = dict(
        vocab=need(raw, "vocab_size"),
        kv_heads=heads,
        head_dim=width // heads,
        norm="layer",
        norm_bias=True,
        gated=False,
        attention_bias=True,
        output_bias=True,
        mlp_bias=True,
        scale=(width // heads) ** -0.5,
    )
    return Config(family=family, width=width, heads=heads, **(common | changes))


def norms(keys: Mapping[str, str]) -> Table:
    """Returns scale and bias of each norm: leaf -> module of the checkpoint."""
    scales: Table = {f"{leaf}.scale": Source(f"{key}.weight") for leaf, key in keys.items()}
    return scales | {f"{leaf}.bias": Source(f"{key}.bias") for leaf, key in keys.items()}


def linears(keys: Mapping[str, str], take: Any = transpose) -> Table:
    """Returns kernel and bias of each linear map: leaf -> module of the checkpoint; `take` makes the kernel."""
    kernels: Table = {f"{leaf}.kernel": Source(f"{key}.weight", take) for leaf, key in keys.items()}
    return kernels | {f"{leaf}.bias": Source(f"{key}.bias") for leaf, key in keys.items()}
