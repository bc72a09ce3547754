"""What a checkpoint's config.json says, in one record for every family."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jaxalign.models.rope import Rope
from jaxalign.types import InputError

AGAIN = "Download the file again, or change --models."
ACTIVATIONS = {
    "silu": "silu",
    "swish": "silu",
    "relu": "relu",
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
}


@dataclass(frozen=True)
class Config:
    """Shape and options of a model; hashable, so that it can be static under `jax.jit`."""

    family: str  # the file of `jaxalign.models` that read it
    vocab: int
    width: int
    num_layers: int
    heads: int
    kv_heads: int
    head_dim: int
    mlp_width: int
    eps: float
    max_length: int  # positions the model was made for
    dtype: str = "float32"  # of parameters and arithmetic; norms and softmax are float32 in any case
    causal: bool = True
    default_pooling: str = "last"
    # block
    norm: str = "rms"  # "rms"; "rms_offset": times (1 + scale), as Gemma; "layer"
    norm_bias: bool = False
    order: str = "pre"  # "pre"; "post" norms after the residual sum, BERT; "both", Gemma 2; "parallel", Cohere
    final_norm: bool = True
    activation: str = "silu"
    gated: bool = True
    attention_bias: bool = False  # query, key and value
    output_bias: bool = False
    mlp_bias: bool = False
    head_norm: str = ""  # norm of queries and keys before RoPE: ""; "shared" by the heads; "each" its own, Cohere
    # attention
    scale: float = 1.0
    logit_cap: float = 0.0  # 0: none
    windows: tuple[int, ...] = ()  # of each layer, 0: sees all; () no layer has a window
    positions: str = "rope"  # "rope", "alibi", "learned", "sinusoid", "buckets"
    ropes: tuple[Rope, ...] = ()
    rope_kinds: tuple[int, ...] = ()  # index into `ropes` of each layer; () is 0 for all
    rope_interleaved: bool = False  # pairs (0, 1), (2, 3), as Cohere; else halves, as Llama
    buckets: int = 0  # relative position buckets, T5
    bucket_distance: int = 0
    bucket_each_layer: bool = False  # umT5
    # embedding
    embed_scale: float = 1.0
    embed_norm: bool = False
    position_rows: int = 0  # rows of a learned table
    position_offset: int = 0  # row of position 0
    token_types: int = 0
    # decoder of an encoder-decoder; 0: none
    decoder_layers: int = 0
    decoder_start: int = 0

    @property
    def query_width(self) -> int:
        """Features of all query heads together."""
        return self.heads * self.head_dim

    @property
    def kv_width(self) -> int:
        """Features of all key heads together, or of all value heads."""
        return self.kv_heads * self.head_dim


def read_json(folder: Path) -> dict[str, Any]:
    """Returns the fields of `folder`/config.json."""
    path = folder / "config.json"
    if not path.is_file():
        raise InputError(f"Expected a config.json in {folder}, got none. Give --models a checkpoint's folder.")
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError, OSError) as error:
        raise InputError(f"Expected JSON in {path}, got {error}. {AGAIN}") from error
    if not isinstance(raw, dict):
        raise InputError(f"Expected an object in {path}, got {type(raw).__name__}. {AGAIN}")
    return raw


def need(raw: dict[str, Any], *names: str) -> Any:
    """Returns the first of the fields `names` (new and old spelling of one thing) that config.json has."""
    for name in names:
        value = raw.get(name)
        if value is not None:
            if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
                raise InputError(f"Expected a positive number '{name}' in config.json, got {value!r}. {AGAIN}")
            return value
    spelled = " or ".join(f"'{name}'" for name in names)
    raise InputError(
        f"Expected the field {spelled} in config.json of a {raw.get('model_type')!r} model, got none. "
        "Download the file again, write the field, or change --models."
    )


def expect(raw: dict[str, Any], name: str, value: Any) -> None:
    """Raises InputError where config.json sets the field `name` to anything but `value`, the only one computed."""
    found = raw.get(name, value)
    if found is not None and found != value:
        raise InputError(
            f"Expected {name!r} = {value!r} in config.json of a {raw.get('model_type')!r} model, got {found!r}: "
            "this variant is not supported. Choose another of --models."
        )


def activation(name: str) -> str:
    """Returns our name of the activation that config.json calls `name`."""
    if name not in ACTIVATIONS:
        raise InputError(
            f"Expected an activation of {sorted(ACTIVATIONS)}, got {name!r} in config.json. Choose another of --models."
        )
    return ACTIVATIONS[name]
