"""A checkpoint's files: single or sharded safetensors, or pytorch_model.bin through torch's safe reader."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
from safetensors import SafetensorError, safe_open

from jaxalign.types import InputError

AGAIN = "Download it again."


class Checkpoint:
    """Open files of one checkpoint: `shapes` of every key, read from headers; `read(key)` one tensor in its dtype."""

    def __init__(self, handles: dict[str, Any], shapes: dict[str, tuple[int, ...]]):
        self._handles, self.shapes = handles, shapes

    def read(self, key: str) -> np.ndarray:
        handle = self._handles[key]
        return handle.get_tensor(key) if hasattr(handle, "get_tensor") else _numpy(handle)


@contextmanager
def open_checkpoint(folder: Path) -> Iterator[Checkpoint]:
    """Yields the checkpoint in `folder`; raises InputError on files that are missing, cut short or outside of it."""
    with ExitStack() as stack:
        if (folder / "model.safetensors").is_file():
            yield _open_safetensors(stack, [folder / "model.safetensors"])
        elif (folder / "model.safetensors.index.json").is_file():
            yield _open_shards(stack, folder, "model.safetensors.index.json")
        elif (folder / "pytorch_model.bin").is_file():
            yield _open_torch([folder / "pytorch_model.bin"])
        elif (folder / "pytorch_model.bin.index.json").is_file():
            yield _open_torch(sorted(set(read_index(folder, "pytorch_model.bin.index.json").values())))
        else:
            raise InputError(
                f"Expected model.safetensors, its index, or pytorch_model.bin in {folder}, got none. "
                "Give --models a folder in Hugging Face format."
            )


def read_index(folder: Path, name: str) -> dict[str, Path]:
    """Returns the file of each key, each checked to exist inside `folder`."""
    path = folder / name
    try:
        weight_map = json.loads(path.read_text(encoding="utf-8"))["weight_map"]
        shards = {str(key): str(shard) for key, shard in weight_map.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"Expected a JSON object with 'weight_map' in {path}, got {error!r}. {AGAIN}") from error
    for shard in set(shards.values()):
        if Path(shard).name != shard or shard in ("", ".", ".."):
            raise InputError(f"Expected file names beside {path}, got {shard!r}. Do not trust this checkpoint.")
        if not (folder / shard).is_file():
            raise InputError(f"Expected the shard {shard}, which {path} names, got no such file. {AGAIN}")
    return {key: folder / shard for key, shard in shards.items()}


def _open_shards(stack: ExitStack, folder: Path, index: str) -> Checkpoint:
    files = read_index(folder, index)
    checkpoint = _open_safetensors(stack, sorted(set(files.values())))
    for key, path in files.items():
        if key not in checkpoint.shapes:
            raise InputError(f"Expected {key} in {path}, as {index} says, got no such tensor. {AGAIN}")
    return checkpoint


def _open_safetensors(stack: ExitStack, paths: list[Path]) -> Checkpoint:
    handles, shapes = {}, {}
    for path in paths:
        try:
            handle = stack.enter_context(safe_open(path, framework="numpy"))
        except (SafetensorError, OSError) as error:
            raise InputError(f"Expected a whole safetensors file at {path}, got {error}. {AGAIN}") from error
        for key in handle.keys():  # noqa: SIM118
            handles[key], shapes[key] = handle, tuple(handle.get_slice(key).get_shape())
    return Checkpoint(handles, shapes)


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
        except (RuntimeError, OSError, EOFError, ValueError, _unpickling_error()) as error:
            raise InputError(f"Expected tensors alone in {path}, got {str(error)[:200]}. {AGAIN}") from error
    return Checkpoint(tensors, {key: tuple(tensor.shape) for key, tensor in tensors.items()})


def _unpickling_error() -> type[Exception]:
    import pickle

    return pickle.UnpicklingError


def _numpy(tensor: Any) -> np.ndarray:
    """Returns a view of a torch tensor; NumPy has no bfloat16 of its own."""
    if str(tensor.dtype) == "torch.bfloat16":
        import torch

        return tensor.view(torch.int16).numpy().view(ml_dtypes.bfloat16)
    return tensor.numpy()
