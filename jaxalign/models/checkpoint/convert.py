"""Checkpoint -> parameters: every key is used or explicitly ignored; the host holds one leaf at a time."""

import gc
import hashlib
import math
import time
import weakref
from collections.abc import Mapping
from functools import lru_cache, partial
from types import ModuleType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxalign.models.checkpoint.files import Checkpoint
from jaxalign.models.checkpoint.keys import check, is_stacked, refuse_quantised, stack_axes
from jaxalign.models.config import Config
from jaxalign.models.parameters import Weights, unflatten
from jaxalign.runtime.progress import Progress
from jaxalign.types import InputError

FLOATS = ("float32", "float16", "bfloat16")
_SMALL = 1 << 18  # bytes of a leaf that is converted on the host: in less time than a program is compiled, 0.09 s


def load(
    family: ModuleType, config: Config, raw: Mapping[str, Any], checkpoint: Checkpoint, shardings: Mapping[str, Any]
) -> Weights:
    """Returns the parameters on the devices and the SHA-256 of the tensors read.

    Each leaf is stacked on the host in the file's dtype and layout, put on the devices, and transposed and cast there;
    the host holds one such leaf at a time.
    """
    digest, leaves = hashlib.sha256(), {}
    table = family.table(config)
    refuse_quantised(raw, checkpoint)
    keys_of = check(family, config, {key: tensor.shape for key, tensor in checkpoint.items()})
    progress = Progress(len(keys_of), "load weights", "parameters", show_end=False)
    for path, keys in keys_of.items():
        source, stacked = table[path], stack_axes(path, table[path])
        host = gather(checkpoint, keys, source.absent, config.width)
        digest.update(path.encode())
        digest.update(host.reshape(-1).view(np.uint8).data)
        shape = (config.experts, *host.shape[1:]) if stacked == 2 else host.shape[1:]
        host = host.reshape((-1, *shape) if is_stacked(path) else shape)
        leaf, finite = convert(host, source.take, stacked, config.dtype, shardings.get(path))
        same = source.take is None and host.dtype == jnp.dtype(config.dtype)
        buffer = weakref.ref(host.base)
        del host
        if not same:
            wait_until_freed(buffer)  # otherwise a CPU keeps the array as the leaf
        if not finite.all():
            bad = keys[int(np.argmin(finite))]
            raise InputError(
                f"Expected finite {config.dtype} in {bad}, got NaN or infinity. Change --dtype or download again."
            )
        leaves[path] = leaf
        progress.update()
    progress.close()
    return Weights(unflatten(leaves), digest.hexdigest())


def gather(checkpoint: Checkpoint, keys: list[str | None], absent: float | None, width: int) -> np.ndarray:
    """Returns the tensors of `keys` stacked, (key, ...), in the file's own dtype; in float32 if the file mixes dtypes.

    A key None stands for a tensor filled with `absent`; where all are None, it has `width` numbers.
    """
    tensors = {key: checkpoint[key] for key in keys if key is not None}
    for key, tensor in tensors.items():
        if tensor.dtype not in FLOATS:
            raise InputError(
                f"Expected {key} in {', '.join(FLOATS)}, got {tensor.dtype}. Give --models a checkpoint that is not "
                "quantised."
            )
    dtypes = {tensor.dtype for tensor in tensors.values()}
    shape = next((tensor.shape for tensor in tensors.values()), (width,))
    dtype = dtypes.pop() if len(dtypes) == 1 else "float32"
    whole = aligned((len(keys), *shape), dtype)
    for place, name in enumerate(keys):
        if name is None:
            whole[place] = absent
        elif tensors[name].dtype == dtype:
            tensors[name].read_into(whole[place : place + 1].reshape(shape))  # whole[place] of a number is a copy
        else:
            narrow = np.empty(shape, jnp.dtype(tensors[name].dtype))
            tensors[name].read_into(narrow)
            whole[place] = narrow
    return whole


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


class Leaf(NamedTuple):
    """One leaf of the parameters on its devices."""

    values: jax.Array
    finite: np.ndarray  # for each tensor in it, whether all its numbers are finite in the dtype


def convert(raw: np.ndarray, take: Any, stacked: int, dtype: str, sharding: Any) -> Leaf:
    """Returns the leaf, and for each tensor in it whether all its numbers are finite in `dtype`."""
    if raw.nbytes <= _SMALL:
        return _convert_small(raw, take, stacked, dtype, sharding)
    placed = jax.device_put(raw, whole_sharding(sharding, raw))
    leaf, finite = _converter(take, stacked, dtype, sharding)(placed)
    return Leaf(leaf, np.asarray(finite).reshape(-1))


def _convert_small(raw: np.ndarray, take: Any, stacked: int, dtype: str, sharding: Any) -> Leaf:
    """As `convert`, on the host."""
    if take is not None:
        parts = [take(part) for part in raw.reshape(-1, *raw.shape[stacked:])]
        raw = np.stack(parts).reshape(*raw.shape[:stacked], *parts[0].shape)
    with np.errstate(over="ignore"):  # what does not fit the dtype becomes infinite, and is refused
        leaf = np.ascontiguousarray(raw, jnp.dtype(dtype))
    finite = np.isfinite(leaf).all(axis=tuple(range(stacked, leaf.ndim)))
    return Leaf(jax.device_put(leaf, sharding, may_alias=False), finite.reshape(-1))


@lru_cache(maxsize=64)
def _converter(take: Any, stacked: int, dtype: str, sharding: Any) -> Any:
    return jax.jit(partial(_convert, take=take, stacked=stacked, dtype=dtype), out_shardings=(sharding, None))


def _convert(raw: jax.Array, *, take: Any, stacked: int, dtype: str) -> tuple[jax.Array, jax.Array]:
    if take is not None:
        for _ in range(stacked):
            take = jax.vmap(take)
        raw = take(raw)
    leaf = raw.astype(dtype)
    return leaf, jnp.isfinite(leaf).all(axis=tuple(range(stacked, leaf.ndim)))


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
