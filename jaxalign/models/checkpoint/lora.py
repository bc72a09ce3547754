"""LoRA adapters (Hu et al. 2021, arXiv:2106.09685) merged into their base at load: W + scale B A, in float32."""

import json
import math
import re
from pathlib import Path
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from jaxalign.models.checkpoint.files import Checkpoint, Tensor
from jaxalign.types import InputError

CONFIG = "adapter_config.json"


class Adapter(NamedTuple):
    """A folder with a LoRA adapter, and what its config says."""

    folder: Path
    base: str  # hub id or folder of the base model
    fields: dict[str, Any]


def read_adapter(folder: Path) -> Adapter:
    """Returns the adapter in `folder`; raises InputError for kinds of adapters that are not merged."""
    try:
        fields = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        kind, base = fields.get("peft_type"), fields.get("base_model_name_or_path")
    except (ValueError, OSError, AttributeError) as error:
        raise InputError(f"Expected a JSON object in {folder / CONFIG}, got {error}. Change --models.") from error
    advice = f"Merge it yourself (peft: merge_and_unload) and give --models the result. Its base is {base!r}."
    if kind != "LORA":
        raise InputError(f"Expected a LoRA adapter in {folder}, got {kind!r}. {advice}")
    if not base:
        raise InputError(f"Expected 'base_model_name_or_path' in {folder / CONFIG}, got none. Write it there.")
    if not isinstance(fields.get("r"), int) or fields["r"] < 1:
        raise InputError(f"Expected a positive rank 'r' in {folder / CONFIG}, got {fields.get('r')!r}. {advice}")
    for name, plain in {"use_dora": (False,), "bias": ("none",), "modules_to_save": ([],), "lora_bias": (False,),
                        "trainable_token_indices": ([], {}), "layer_replication": ([],)}.items():  # fmt: skip
        if fields.get(name) is not None and fields[name] not in plain:
            raise InputError(f"Expected an adapter without {name!r} in {folder}, got {fields[name]!r}. {advice}")
    return Adapter(folder, str(base), fields)


def scale_of(adapter: Adapter, module: str, rank: int) -> float:
    """Returns what B A is multiplied by: alpha / r, or alpha / sqrt(r) with `use_rslora`; patterns name exceptions."""
    alpha = adapter.fields.get("lora_alpha", 8)
    for pattern, value in (adapter.fields.get("alpha_pattern") or {}).items():
        if re.fullmatch(rf"(.*\.)?({pattern})", module):
            alpha = value
    return alpha / (math.sqrt(rank) if adapter.fields.get("use_rslora") else rank)


def merged(base: Checkpoint, adapter: Adapter, weights: Checkpoint) -> Checkpoint:
    """Returns the base's tensors with those that the adapter changes merged when they are read, as float32."""
    result, left = dict(base), set(weights)
    pattern = re.compile(r"(?:base_model\.model\.)?(?P<module>.+)\.lora_(?P<kind>embedding_)?A(\.default)?(\.weight)?")
    for key in weights:
        match = pattern.fullmatch(key)
        if match is None:
            continue
        other = key.replace("lora_embedding_A", "lora_embedding_B").replace("lora_A", "lora_B")
        target = _target(base, match["module"])
        if other not in weights or target is None:
            missing = other if other not in weights else f"{match['module']}.weight in the base"
            raise InputError(f"Expected {missing} for {key} of {adapter.folder}, got none. Is the base the right one?")
        down, up = _read(weights[key]), _read(weights[other])
        product = (up @ down) * np.float32(scale_of(adapter, match["module"], down.shape[0]))
        flip = bool(adapter.fields.get("fan_in_fan_out")) or match["kind"] is not None
        result[target] = _added(base[target], product.T if flip else product, target)
        left -= {key, other}
    if left:
        raise InputError(
            f"Expected only LoRA matrices in {adapter.folder}, got {', '.join(sorted(left)[:3])}. "
            "Merge the adapter yourself (peft: merge_and_unload) and give --models the result."
        )
    return result


def _target(base: Checkpoint, module: str) -> str | None:
    """The base's key of a module; a base may be saved with or without the prefix of the whole model."""
    names = [f"{module}.weight", f"{module.partition('.')[2]}.weight", f"model.{module}.weight"]
    return next((name for name in names if name in base), None)


def _read(tensor: Tensor) -> np.ndarray:
    array = np.empty(tensor.shape, jnp.dtype(tensor.dtype))
    tensor.read_into(array)
    return array.astype(np.float32)


def _added(tensor: Tensor, product: np.ndarray, key: str) -> Tensor:
    if tensor.shape != product.shape:
        raise InputError(
            f"Expected a LoRA product of shape {tensor.shape} for {key}, got {product.shape}. Is the base right?"
        )

    def read_into(array: np.ndarray) -> None:
        array[...] = _read(tensor) + product

    return Tensor(tensor.shape, "float32", read_into)
