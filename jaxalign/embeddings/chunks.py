"""The chunks of an entry of the vector store: Orbax checkpoints of a few batches each, committed one by one.

`chunks/00000/` is a checkpoint with one leaf per layer; `chunks/00000.json`, written after it, is its commit: sizes and
CRC-32 of its files, and the plan that it follows. A chunk without a commit, or with another plan, is made again.
"""

import contextlib
import json
import logging
import shutil
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from jaxalign.runtime import bucket, clock, files
from jaxalign.runtime.log import LOGGER


def chunk_folder(path: Path, number: int) -> Path:
    """Folder of chunk `number` of the entry at `path`; its commit has the same name with `.json`."""
    return path / "chunks" / f"{number:05d}"


def write_chunk(path: Path, number: int, layers: Sequence[int], vectors: np.ndarray, process: int = 0) -> None:
    """Writes (layer, vector, feature) float32 as chunk `number` of the entry at `path`, and commits it."""
    ocp, folder = orbax(), chunk_folder(path, number)
    remove(folder)
    leaves = {f"{layer:03d}": np.ascontiguousarray(part) for layer, part in zip(layers, vectors, strict=True)}
    with files.os_errors(folder):
        _checkpointer(process).save(folder.absolute(), args=ocp.args.PyTreeSave(leaves), force=True)
        for name, leaf in leaves.items():
            if not (folder / name).exists():  # Orbax writes NumPy leaves only in process 0
                _write_leaf(folder.absolute() / name, leaf)
    sums = _sums(folder)
    commit = {"vectors": vectors.shape[1], "files": sums, "plan": _plan_sum(path)}
    files.write_text(folder.with_suffix(".json"), json.dumps(commit))
    bucket.push([*(folder / name for name in sums), folder.with_suffix(".json")])


def vector_count(path: Path, number: int) -> int:
    """Number of vectors of a committed chunk."""
    return json.loads(chunk_folder(path, number).with_suffix(".json").read_text("utf-8"))["vectors"]


def read_layer_of_chunk(path: Path, number: int, layer: int) -> np.ndarray:
    """(vector, feature) float32 of one layer of a committed chunk."""
    import jax

    ocp, name = orbax(), f"{layer:03d}"
    wanted = ocp.args.PyTreeRestore(
        item={name: 0}, restore_args={name: ocp.RestoreArgs(restore_type=np.ndarray)}, partial_restore=True
    )
    return _checkpointer(jax.process_index()).restore(chunk_folder(path, number).absolute(), args=wanted)[name]


def committed(path: Path, count: int) -> list[int]:
    """Numbers of the chunks that are complete, of `count`; a damaged one is named in the log and counts as missing."""
    in_bucket = bucket.list_files(path / "chunks")
    plan_sum = _plan_sum(path)
    complete = []
    for number in range(count):
        folder = chunk_folder(path, number)
        is_local = folder.with_suffix(".json").exists()
        if is_local and in_bucket is not None and f"{number:05d}.json" not in in_bucket:
            if _is_complete(folder, plan_sum):
                bucket.push([*(folder / name for name in _sums(folder)), folder.with_suffix(".json")])
        elif not is_local and in_bucket:
            _pull_chunk(folder)
        if _is_complete(folder, plan_sum):
            complete.append(number)
    return complete


def remove(folder: Path) -> None:
    """Removes a folder if it exists."""
    if folder.exists():
        shutil.rmtree(folder)


def _write_leaf(path: Path, leaf: np.ndarray) -> None:
    """Writes a leaf as Orbax would: one uncompressed chunk of zarr through tensorstore."""
    import tensorstore

    metadata = {"shape": leaf.shape, "chunks": leaf.shape, "dtype": "<f4", "compressor": None}
    spec = {"driver": "zarr", "kvstore": {"driver": "file", "path": f"{path}/"}, "metadata": metadata}
    tensorstore.open(spec, create=True).result().write(leaf).result()


def orbax() -> Any:
    """Orbax, imported at the first use: runs whose vectors are stored already need none."""
    with clock.importing():
        import orbax.checkpoint

    return orbax.checkpoint


@lru_cache(maxsize=1)
def _checkpointer(process: int) -> Any:
    """A checkpointer for this process only: plain files, the same bytes every time, without compression."""
    ocp = orbax()
    # Orbax warns at every save that the format we did not choose has nothing to merge.
    logging.getLogger("absl").addFilter(lambda record: "Skipping merge of OCDBT" not in str(record.msg))
    only_this = ocp.options.MultiprocessingOptions(
        primary_host=process, active_processes={process}, barrier_sync_key_prefix=f"store{process}"
    )
    handler = ocp.PyTreeCheckpointHandler(use_ocdbt=False, use_compression=False, multiprocessing_options=only_this)
    options = ocp.options.FileOptions(path_permission_mode=0o700)
    return ocp.Checkpointer(handler, multiprocessing_options=only_this, file_options=options)


def _plan_sum(path: Path) -> int:
    plan = path / "plan.json"
    return files.crc32(plan) if plan.exists() else 0


def _sums(folder: Path) -> dict[str, list[int]]:
    """Size and CRC-32 of every file below a folder, by relative path."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): [path.stat().st_size, files.crc32(path)] for path in paths}


def _pull_chunk(folder: Path) -> None:
    """Copies a chunk from the bucket, its commit last."""
    commit = folder.with_suffix(".json")
    waiting = commit.with_name(f"{commit.name}.bucket")
    remove(folder)
    if bucket.pull([commit]):
        commit.replace(waiting)  # no commit before its files
        with contextlib.suppress(ValueError, KeyError, TypeError):
            paths = [folder / name for name in json.loads(waiting.read_text("utf-8"))["files"]]
            if all(path.is_relative_to(folder) for path in paths) and bucket.pull(paths):
                waiting.replace(commit)
        waiting.unlink(missing_ok=True)


def _is_complete(folder: Path, plan_sum: int) -> bool:
    """Whether a chunk is as its commit says and follows the plan; a commit that lies is removed."""
    commit = folder.with_suffix(".json")
    if not commit.exists():
        return False
    try:
        entry = json.loads(commit.read_text("utf-8"))
        complete = entry["files"] == _sums(folder) and entry.get("plan", plan_sum) == plan_sum
    except (OSError, ValueError, KeyError, TypeError):
        complete = False
    if not complete:
        LOGGER.warning("store: %s is damaged and will be made again", folder)
        commit.unlink(missing_ok=True)
    return complete
