"""What BLOOM, XGLM, GPT-2, BERT and others share: layer norms, an MLP without gate, a bias with every weight."""

from collections.abc import Mapping
from typing import Any

from jaxalign.models.config import Config
from jaxalign.models.families._llama_like import Source, Table, transpose
from jaxalign.models.fields import Fields, need
from jaxalign.types import InputError


def read_biased(raw: Fields, *, family: str, width: int, heads: int, **changes: Any) -> Config:
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
    """Returns the table of scale and bias of each norm, from pairs of leaf and module of the checkpoint."""
    scales: Table = {f"{leaf}.scale": Source(f"{key}.weight") for leaf, key in keys.items()}
    return scales | {f"{leaf}.bias": Source(f"{key}.bias") for leaf, key in keys.items()}


def linears(keys: Mapping[str, str], take: Any = transpose) -> Table:
    """Returns the table of kernel and bias of each linear map, from pairs of leaf and module; see `Source.take`."""
    kernels: Table = {f"{leaf}.kernel": Source(f"{key}.weight", take) for leaf, key in keys.items()}
    return kernels | {f"{leaf}.bias": Source(f"{key}.bias") for leaf, key in keys.items()}
