"""Checkpoint -> parameters: every key is used or explicitly ignored; the host holds one leaf at a time."""

import gc
import hashlib
import math
import re
import sys
import time
import weakref
from collections.abc import Mapping
from functools import lru_cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxalign.models.checkpoint.files import Checkpoint, open_checkpoint
from jaxalign.models.config import Config
from jaxalign.models.families._llama_like import Source
from jaxalign.models.parameters import Params, Weights, abstract
from jaxalign.types import InputError

FLOATS = ("float32", "float16", "bfloat16")


def canonical(family: ModuleType, keys: Mapping[str, Any], wanted: set[str]) -> dict[str, str]:
    """Returns the checkpoint's key of each table key: prefixes cut, old spellings replaced.

    Keys that the family ignores are left out, unless they are `wanted`.
    """
    names: dict[str, str] = {}
    ignored = re.compile("|".join(f"(?:{pattern})" for pattern in family.IGNORED) or "(?!)")
    for key in keys:
        name = key
        for prefix in family.PREFIXES:
            if name.startswith(prefix):
                name = name.removeprefix(prefix)
                break
        for old, new in getattr(family, "RENAMED", ()):
            name = re.sub(old, new, name)
        if name in wanted or not (ignored.fullmatch(key) or ignored.fullmatch(name)):
            names.setdefault(name, key)
    return names


def check(family: ModuleType, config: Config, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, list[str]]:
    """Returns the checkpoint keys that make each leaf; reads no data.

    Raises InputError that names the key: one that the table does not know, one that is missing, or a wrong shape.
    """
    table = family.table(config)
    names = canonical(family, shapes, {name for path in table for name in layer_keys(table[path], config, path)})
    leaves = flatten(abstract(config))
    if set(table) != set(leaves):
        wrong = sorted(set(table) ^ set(leaves))
        raise InputError(f"Expected the table of {config.family} to fill every leaf once, got differences: {wrong}.")
    used, keys_of = set(), {}
    for path, source in table.items():
        wanted = layer_keys(source, config, path)
        missing = [name for name in wanted if name not in names]
        if missing:
            raise InputError(
                f"Expected the tensor {missing[0]} in the checkpoint, got none. Download it again, or change --models."
            )
        used.update(wanted)
        keys_of[path] = [names[name] for name in wanted]
        expected = leaves[path].shape[1:] if is_stacked(path) else leaves[path].shape
        for key in keys_of[path]:
            if taken_shape(source, shapes[key]) != expected:
                raise InputError(
                    f"Expected {key} to fill {path} {tuple(expected)}, got the shape {tuple(shapes[key])}. "
                    "config.json and the weights belong to different models: change --models."
                )
    unknown = sorted(names[name] for name in set(names) - used)
    if unknown:
        raise InputError(
            f"Expected only tensors of the family {config.family}, got {', '.join(unknown[:5])}"
            f"{' and others' if len(unknown) > 5 else ''}. The checkpoint has another architecture: change --models."
        )
    return keys_of


def layer_keys(source: Source, config: Config, path: str) -> list[str]:
    """Returns the table keys of a leaf: one per layer, or a single one."""
    count = config.decoder_layers if path.startswith("decoder.") else config.num_layers
    return [source.key.format(layer=layer) for layer in range(count)] if "{layer}" in source.key else [source.key]


def is_stacked(path: str) -> bool:
    """True of leaves with a leading layer axis."""
    return path.startswith(("blocks.", "decoder.blocks."))


def taken_shape(source: Source, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """Returns the shape after `source.take`, or None where the tensor does not fit it."""
    if source.take is None:
        return tuple(shape)
    try:
        return jax.eval_shape(source.take, jax.ShapeDtypeStruct(tuple(shape), jnp.float32)).shape
    except (TypeError, ValueError):
        return None


def flatten(tree: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Returns the leaves by dotted path."""
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        flat |= flatten(value, f"{above}{name}.") if isinstance(value, Mapping) else {f"{above}{name}": value}
    return flat


def unflatten(leaves: Mapping[str, Any]) -> Params:
    """Returns the nested tree of leaves by dotted path."""
    tree: Params = {}
    for path, value in leaves.items():
        *above, name = path.split(".")
        node = tree
        for part in above:
            node = node.setdefault(part, {})
        node[name] = value
    return tree


def load(
    family: ModuleType, config: Config, folder: Path, shardings: Mapping[str, Any]
) -> Weights:
    """Returns the parameters on the devices and the SHA-256 of the tensors read.

    Each leaf is stacked on the host in the file's dtype and layout, put on the devices, and transposed and cast there;
    the host holds one such leaf at a time.
    """
    digest, leaves = hashlib.sha256(), {}
    table = family.table(config)
    with open_checkpoint(folder) as checkpoint:
        keys_of = check(family, config, {key: tensor.shape for key, tensor in checkpoint.items()})
        for count, (path, keys) in enumerate(keys_of.items(), start=1):
            raw = gather(checkpoint, keys, is_stacked(path))
            digest.update(path.encode())
            digest.update(raw.reshape(-1).view(np.uint8).data)
            leaf, finite = convert(raw, table[path].take, is_stacked(path), config.dtype, shardings.get(path))
            host = weakref.ref(raw.base)
            del raw
            if table[path].take is not None or checkpoint[keys[0]].dtype != config.dtype:
                wait_until_freed(host)  # otherwise a CPU keeps the array as the leaf
            if not finite.all():
                bad = keys[int(np.argmin(finite))]
                raise InputError(
                    f"Expected finite {config.dtype} in {bad}, got NaN or infinity. Change --dtype or download again."
                )
            leaves[path] = leaf
            if sys.stderr.isatty():
                end = "" if count < len(keys_of) else "\n"
                print(f"\rloading weights {count}/{len(keys_of)}", end=end, file=sys.stderr)
    return Weights(unflatten(leaves), digest.hexdigest())


def gather(checkpoint: Checkpoint, keys: list[str], stacked: bool) -> np.ndarray:
    """Returns the tensors of `keys` stacked over layers, in the file's own dtype."""
    first = checkpoint[keys[0]]
    for key in keys:
        if checkpoint[key].dtype not in FLOATS or checkpoint[key].dtype != first.dtype:
            raise InputError(
                f"Expected {key} in {first.dtype if first.dtype in FLOATS else 'a float dtype'}, "
                f"got {checkpoint[key].dtype}. Give --models a checkpoint that is not quantised."
            )
    whole = aligned((len(keys), *first.shape), first.dtype)
    for layer, key in enumerate(keys):
        checkpoint[key].read_into(whole[layer])
    return whole if stacked else whole[0]


def wait_until_freed(host: weakref.ref) -> None:
    """Waits, for at most a second, until JAX has freed a host array, so that two leaves are never in memory together.

    JAX frees it at a garbage collection after the program that read it has finished.
    """
    for _ in range(100):
        gc.collect(0)
        if host() is None:
            return
        time.sleep(0.01)


def aligned(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Returns an empty array on a 64-byte boundary, which JAX on a CPU uses without a copy."""
    size = math.prod(shape) * jnp.dtype(dtype).itemsize
    buffer = np.empty(size + 64, np.uint8)
    start = -buffer.ctypes.data % 64
    return buffer[start : start + size].view(jnp.dtype(dtype)).reshape(shape)


def convert(raw: np.ndarray, take: Any, stacked: bool, dtype: str, sharding: Any) -> tuple[jax.Array, np.ndarray]:
    """Returns the leaf, and of each layer whether all its numbers are finite in `dtype`."""
    placed = jax.device_put(raw, whole_sharding(sharding, raw))
    leaf, finite = _converter(take, stacked, dtype, sharding)(placed)
    return leaf, np.atleast_1d(np.asarray(finite))


@lru_cache(maxsize=64)
def _converter(take: Any, stacked: bool, dtype: str, sharding: Any) -> Any:
    return jax.jit(partial(_convert, take=take, stacked=stacked, dtype=dtype), out_shardings=(sharding, None))


def _convert(raw: jax.Array, *, take: Any, stacked: bool, dtype: str) -> tuple[jax.Array, jax.Array]:
    if take is not None:
        raw = jax.vmap(take)(raw) if stacked else take(raw)
    leaf = raw.astype(dtype)
    return leaf, jnp.isfinite(leaf).all(axis=tuple(range(int(stacked), leaf.ndim)))


def whole_sharding(sharding: Any, raw: np.ndarray) -> Any:
    """Returns how the raw leaf is placed: split on an axis that divides evenly, so that no device holds all of it."""
    if not isinstance(sharding, jax.sharding.NamedSharding):
        return sharding
    parts = sharding.mesh.shape["model"]
    axes: list[str | None] = [None] * raw.ndim
    for axis in reversed(range(raw.ndim)):
        if raw.shape[axis] % parts == 0:
            axes[axis] = "model"
            break
    return jax.sharding.NamedSharding(sharding.mesh, jax.sharding.PartitionSpec(*axes))
