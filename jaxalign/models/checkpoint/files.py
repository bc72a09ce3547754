"""A checkpoint's files: single or sharded safetensors, or pytorch_model.bin through torch's safe reader."""

import json
import os
import pickle
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open

from jaxalign.models.checkpoint.hub import missing_weights
from jaxalign.types import InputError

AGAIN = "Download it again, or change --models."
SAFETENSORS_DTYPES = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}
READ_BYTES = 1 << 30


class Tensor(NamedTuple):
    """One tensor of a checkpoint: its shape, its dtype ("float32", ..., or as the file says) and how to read it."""

    shape: tuple[int, ...]
    dtype: str
    read_into: Callable[[np.ndarray], None]  # fills a contiguous array of that shape and dtype


Checkpoint = dict[str, Tensor]


@contextmanager
def open_checkpoint(folder: Path) -> Iterator[Checkpoint]:
    """Yields the checkpoint in `folder`; raises InputError on files that are missing, cut short or outside of it."""
    with ExitStack() as stack:
        if (folder / "model.safetensors").is_file():
            yield _open_safetensors(stack, [inside(folder, "model.safetensors")])
        elif (folder / "model.safetensors.index.json").is_file():
            yield _open_shards(stack, folder, "model.safetensors.index.json")
        elif (folder / "pytorch_model.bin").is_file():
            yield _open_torch([inside(folder, "pytorch_model.bin")])
        elif (folder / "pytorch_model.bin.index.json").is_file():
            yield _open_torch(sorted(set(read_index(folder, "pytorch_model.bin.index.json").values())))
        else:
            raise missing_weights(folder)


@contextmanager
def open_files(paths: list[Path]) -> Iterator[Checkpoint]:
    """Yields the tensors of the given safetensors files."""
    with ExitStack() as stack:
        yield _open_safetensors(stack, [inside(path.parent, path.name) for path in paths])


def read_index(folder: Path, name: str) -> dict[str, Path]:
    """Returns the file of each key, each checked to exist inside `folder`."""
    path = folder / name
    try:
        weight_map = json.loads(path.read_text(encoding="utf-8"))["weight_map"]
        shards = {str(key): str(shard) for key, shard in weight_map.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"Expected a JSON object with 'weight_map' in {path}, got {error!r}. {AGAIN}") from error
    for shard in set(shards.values()):
        if Path(shard).name != shard or shard in ("", ".", ".."):
            raise InputError(f"Expected file names beside {path}, got {shard!r}. Do not trust this checkpoint.")
        if not (folder / shard).is_file():
            raise InputError(f"Expected the shard {shard}, which {path} names, got no such file. {AGAIN}")
        inside(folder, shard)
    return {key: folder / shard for key, shard in shards.items()}


def inside(folder: Path, name: str) -> Path:
    """Returns the path of a file, which may be a link only within the folder or to the blobs of the hub's cache."""
    path, real = folder / name, folder.resolve()
    roots = [real, real.parents[1] / "blobs"] if real.parent.name == "snapshots" else [real]
    if not any(path.resolve().is_relative_to(root) for root in roots):
        raise InputError(
            f"Expected {path} to lie in its folder, got a link to {path.resolve()}. Give --models the folder that "
            "holds the files themselves."
        )
    return path


def _open_shards(stack: ExitStack, folder: Path, index: str) -> Checkpoint:
    files = read_index(folder, index)
    checkpoint = _open_safetensors(stack, sorted(set(files.values())))
    for key, path in files.items():
        if key not in checkpoint:
            raise InputError(f"Expected {key} in {path}, as {index} says, got no such tensor. {AGAIN}")
    return checkpoint


def _open_safetensors(stack: ExitStack, paths: list[Path]) -> Checkpoint:
    """Reads go directly from the file into the caller's array: no second copy, no memory-mapped pages."""
    checkpoint: Checkpoint = {}
    for path in paths:
        try:
            with safe_open(path, framework="numpy"):  # checks the header and that no byte is missing
                pass
        except (SafetensorError, OSError) as error:
            raise InputError(f"Expected a whole safetensors file at {path}, got {error}. {AGAIN}") from error
        file = stack.enter_context(path.open("rb", buffering=0))
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
        for key, entry in header.items():
            if key != "__metadata__":
                start = 8 + size + entry["data_offsets"][0]
                dtype = SAFETENSORS_DTYPES.get(entry["dtype"], entry["dtype"])
                checkpoint[key] = Tensor(tuple(entry["shape"]), dtype, partial(_read, file, start))
    return checkpoint


def _read(file: Any, start: int, array: np.ndarray) -> None:
    view, done = array.reshape(-1).view(np.uint8).data, 0
    while done < len(view):  # Linux reads 2 GiB at a time at most
        count = os.preadv(file.fileno(), [view[done : done + READ_BYTES]], start + done)
        if count == 0:
            raise InputError(f"Expected {len(view)} bytes at {start} of {file.name}, got {done}. {AGAIN}")
        done += count


def _open_torch(paths: list[Path]) -> Checkpoint:
    """Pickles are read only through torch's weights_only reader, which runs no code of the file."""
    try:
        import torch
    except ImportError as error:
        raise InputError(
            f"Expected torch for {paths[0]}, which is no safetensors file, got none. "
            "Run: pip install 'jaxalign[parity]'"
        ) from error
    tensors: dict[str, Any] = {}
    for path in paths:
        try:
            tensors |= torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        except (RuntimeError, OSError, EOFError, ValueError, TypeError, pickle.UnpicklingError) as error:
            raise InputError(f"Expected only tensors in {path}, got {str(error)[:200]}. {AGAIN}") from error
    return {
        key: Tensor(tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."), partial(_copy, tensor))
        for key, tensor in tensors.items()
        if isinstance(tensor, torch.Tensor)
    }


def _copy(tensor: Any, array: np.ndarray) -> None:
    """NumPy has no bfloat16 of its own: 16-bit tensors travel as integers."""
    if tensor.element_size() == 2:
        import torch

        array.view(np.int16)[...] = tensor.view(torch.int16).numpy()
    else:
        array[...] = tensor.numpy()
