"""Vectors on disk: Orbax checkpoints of a few batches each, committed one by one, read a layer at a time.

An entry holds one embedding of one model's texts: `plan.json` (how the work was cut), `index.npz` (which vector belongs
to which text), `chunks/00000/` (an Orbax checkpoint, one leaf a layer) beside `chunks/00000.json` (bytes and CRC-32 of
its files, written after it: the commit), `manifest.json` (last). Its name is a digest of all that made it. What a kill
left half-written has no commit and is made again; a commit whose files changed is found when the entry is opened. Each
commit names the plan it follows, for in a bucket (`bucket`) two machines may be at one entry.
"""

import contextlib
import fcntl
import hashlib
import json
import logging
import os
import shutil
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxalign.runtime import bucket
from jaxalign.types import InputError

FORMAT = 3


class Entry(NamedTuple):
    """A finished entry: vectors by layer, and where each text's vector stands."""

    path: Path
    layers: tuple[int, ...]
    poolings: tuple[str, ...]
    counts: tuple[int, ...]  # vectors of each chunk
    features: int


def digest(parts: dict[str, Any]) -> str:
    """Name of the entry that `parts` (JSON values and arrays) made."""
    state = hashlib.sha256(f"format {FORMAT}".encode())
    for name in sorted(parts):
        value = parts[name]
        data = np.ascontiguousarray(value) if isinstance(value, np.ndarray) else None
        label = f"{data.dtype.str}{data.shape}" if data is not None else json.dumps(value, ensure_ascii=True)
        state.update(f"|{name}|{label}|".encode())
        if data is not None:
            state.update(data.data if data.size else b"")
    return state.hexdigest()[:32]


def private_folder(path: Path) -> Path:
    """The folder, made if absent, readable by its owner alone."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


@contextmanager
def locked(root: Path, name: str) -> Iterator[Path]:
    """Path of an entry, held by this process alone; a second process waits and then finds the entry finished."""
    folder = private_folder(root)
    with open(folder / f"{name}.lock", "a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"store: waiting for another process that makes {folder / name}", file=sys.stderr, flush=True)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield folder / name


def begin(path: Path, plan: dict[str, Any], index: dict[str, np.ndarray], copies: int) -> None:
    """Makes the entry's folder, or keeps an interrupted run's and its plan, whose cut the chunks there follow."""
    same = ("format", "texts", "vectors", "layers", "poolings", "features")
    files = [path / "index.npz", path / "plan.json"]
    there = bucket.pull(files)
    try:
        found = read_plan(path)
        fits = [found[key] for key in same] == [plan[key] for key in same] and found["rows"] % copies == 0
        if fits and found["index"] == _crc(files[0]):
            bucket.push([] if there else files)
            return
    except (OSError, ValueError, KeyError, TypeError):
        pass
    remove(path)
    private_folder(path / "chunks")
    np.savez(path / "index.npz", **index)  # type: ignore[arg-type]
    write_json(path / "plan.json", {**plan, "index": _crc(files[0])})
    bucket.push(files)


def read_plan(path: Path) -> dict[str, Any]:
    """The plan that an entry follows."""
    if not (path / "plan.json").exists():
        bucket.pull([path / "index.npz", path / "plan.json"])
    return json.loads((path / "plan.json").read_text("utf-8"))


def remove(path: Path) -> None:
    """Removes an entry, if there."""
    if path.exists():
        shutil.rmtree(path)


def write_json(path: Path, value: Any) -> None:
    """Writes the file under another name and renames it: it is there whole or not at all."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    with open(part, "w", encoding="utf-8") as handle:
        json.dump(value, handle)
        handle.flush()
        os.fsync(handle.fileno())
    part.replace(path)


def write_chunk(path: Path, number: int, layers: tuple[int, ...], vectors: np.ndarray, process: int = 0) -> None:
    """Writes (layer, vector, feature) as chunk `number` and commits it."""
    folder = path / "chunks" / f"{number:05d}"
    remove(folder)
    leaves = {f"{layer:03d}": np.ascontiguousarray(part) for layer, part in zip(layers, vectors, strict=True)}
    _checkpointer(process).save(folder.absolute(), args=_orbax().args.PyTreeSave(leaves), force=True)
    for name, leaf in leaves.items():
        if not (folder / name).exists():  # Orbax writes NumPy leaves in process 0 alone
            _write_leaf(folder.absolute() / name, leaf)
    sums, plan = _sums(folder), _crc(path / "plan.json") if (path / "plan.json").exists() else 0
    write_json(folder.with_suffix(".json"), {"vectors": vectors.shape[1], "files": sums, "plan": plan})
    bucket.push([*(folder / name for name in sums), folder.with_suffix(".json")])


def _write_leaf(path: Path, leaf: np.ndarray) -> None:
    """Writes a leaf as Orbax would: one uncompressed chunk of zarr through tensorstore."""
    import tensorstore

    metadata = {"shape": leaf.shape, "chunks": leaf.shape, "dtype": "<f4", "compressor": None}
    spec = {"driver": "zarr", "kvstore": {"driver": "file", "path": f"{path}/"}, "metadata": metadata}
    tensorstore.open(spec, create=True).result().write(leaf).result()


def _orbax() -> Any:
    import orbax.checkpoint

    return orbax.checkpoint


_checkpointers: dict[int, Any] = {}


def _checkpointer(process: int) -> Any:
    """A checkpointer of this process alone, plain files (same bytes every time) without compression."""
    if process not in _checkpointers:
        ocp = _orbax()
        # Orbax warns at every save that the format we did not choose has nothing to merge.
        logging.getLogger("absl").addFilter(lambda record: "Skipping merge of OCDBT" not in str(record.msg))
        alone = ocp.options.MultiprocessingOptions(
            primary_host=process, active_processes={process}, barrier_sync_key_prefix=f"store{process}"
        )
        handler = ocp.PyTreeCheckpointHandler(use_ocdbt=False, use_compression=False, multiprocessing_options=alone)
        files = ocp.options.FileOptions(path_permission_mode=0o700)
        _checkpointers[process] = ocp.Checkpointer(handler, multiprocessing_options=alone, file_options=files)
    return _checkpointers[process]


def _sums(folder: Path) -> dict[str, list[int]]:
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): [file.stat().st_size, _crc(file)] for file in files}


def _crc(path: Path) -> int:
    value = 0
    with open(path, "rb") as handle:
        while block := handle.read(1 << 22):
            value = zlib.crc32(block, value)
    return value


def committed(path: Path, count: int) -> list[int]:
    """Numbers of the chunks that are whole; a damaged one is named on stderr and counts as missing."""
    there = bucket.names(path / "chunks")
    plan = _crc(path / "plan.json") if (path / "plan.json").exists() else 0
    found = []
    for number in range(count):
        folder = path / "chunks" / f"{number:05d}"
        here = folder.with_suffix(".json").exists()
        if here and there is not None and f"{number:05d}.json" not in there and _is_whole(folder, plan):
            bucket.push([*(folder / name for name in _sums(folder)), folder.with_suffix(".json")])
        elif not here and there:
            _pull_chunk(folder)
        if _is_whole(folder, plan):
            found.append(number)
    return found


def _pull_chunk(folder: Path) -> None:
    """Copies a chunk down from the bucket, its commit last."""
    commit = folder.with_suffix(".json")
    aside = commit.with_name(f"{commit.name}.bucket")
    remove(folder)
    if bucket.pull([commit]):
        commit.replace(aside)  # no commit before its files
        with contextlib.suppress(ValueError, KeyError, TypeError):
            files = [folder / name for name in json.loads(aside.read_text("utf-8"))["files"]]
            if all(file.is_relative_to(folder) for file in files) and bucket.pull(files):
                aside.replace(commit)
        aside.unlink(missing_ok=True)


def _is_whole(folder: Path, plan: int) -> bool:
    commit = folder.with_suffix(".json")
    if not commit.exists():
        return False
    try:
        found = json.loads(commit.read_text("utf-8"))
        whole = found["files"] == _sums(folder) and found.get("plan", plan) == plan
    except (OSError, ValueError, KeyError, TypeError):
        whole = False
    if not whole:
        print(f"store: {folder} is damaged and will be made again", file=sys.stderr, flush=True)
        commit.unlink(missing_ok=True)
    return whole


def finish(path: Path, made: dict[str, Any]) -> None:
    """Writes the manifest, with which the entry counts as finished."""
    plan = read_plan(path)
    committed(path, plan["chunks"] if bucket.names(path) else 0)  # those of other processes, where no disk is shared
    counts = [
        json.loads((path / "chunks" / f"{n:05d}.json").read_text("utf-8"))["vectors"] for n in range(plan["chunks"])
    ]
    index = path / "index.npz"
    sums = {"index.npz": [index.stat().st_size, _crc(index)]}
    write_json(path / "manifest.json", {"made": made, "counts": counts, "files": sums, **plan})
    bucket.push([path / "manifest.json"])


def candidates(folder: Path) -> list[Path]:
    """Places under a folder that have a manifest."""
    there = bucket.names(folder) or set()
    far = {folder / name.split("/")[0] for name in there if name.endswith("/manifest.json")}
    return sorted({path.parent for path in folder.glob("*/manifest.json")} | far)


def find(path: Path) -> Entry | None:
    """The finished entry at `path`, its files checked; None where it is absent, unfinished or damaged."""
    there = bucket.names(path)
    if not (path / "manifest.json").exists():
        if not bucket.pull([path / "index.npz", path / "plan.json", path / "manifest.json"]):
            return None
        there = None  # nothing to copy up
    try:
        manifest = json.loads((path / "manifest.json").read_text("utf-8"))
        index = path / "index.npz"
        whole = manifest["files"] == {"index.npz": [index.stat().st_size, _crc(index)]}
        whole = whole and read_plan(path).items() <= manifest.items()
        layers, poolings, counts = (tuple(manifest[key]) for key in ("layers", "poolings", "counts"))
        entry = Entry(path, layers, poolings, counts, manifest["features"])
    except (OSError, ValueError, KeyError, TypeError):
        whole = False
    if not whole:
        print(f"store: {path} is damaged and will be made again", file=sys.stderr, flush=True)
        remove(path)
        return None
    if len(committed(path, len(entry.counts))) < len(entry.counts):
        (path / "manifest.json").unlink()
        return None
    if there is not None and "manifest.json" not in there:
        bucket.push([path / "index.npz", path / "plan.json", path / "manifest.json"])
    return entry


def read_index(entry: Entry) -> dict[str, np.ndarray]:
    """Which vector belongs to each text, by pooling and language."""
    with np.load(entry.path / "index.npz", allow_pickle=False) as found:
        return {name: found[name] for name in found.files}


def read_layer(entry: Entry, layer: int) -> np.ndarray:
    """(vector, feature) float32 of one layer, in the entry's order."""
    if layer not in entry.layers:
        raise InputError(f"Expected a layer of {', '.join(map(str, entry.layers))}, got {layer}. See --layers.")
    ocp = _orbax()
    found = np.empty((sum(entry.counts), entry.features), np.float32)
    start, name = 0, f"{layer:03d}"
    for number, count in enumerate(entry.counts):
        folder = (entry.path / "chunks" / f"{number:05d}").absolute()
        wanted = ocp.args.PyTreeRestore(
            item={name: 0}, restore_args={name: ocp.RestoreArgs(restore_type=np.ndarray)}, partial_restore=True
        )
        found[start : start + count] = _checkpointer(_process()).restore(folder, args=wanted)[name]
        start += count
    return found


def _process() -> int:
    import jax

    return jax.process_index()
