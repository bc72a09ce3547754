"""Vectors on disk: entries that are made chunk by chunk, found again by what they are made of, read layer by layer.

An entry holds one embedding of one model's texts: `plan.json` (how the work was divided), `index.npz` (which vector
belongs to which text), the chunks (see `chunks`), and `manifest.json`, written last. Its name is a digest of everything
that it depends on. What a kill left half-written has no commit and is made again; a commit whose files have changed is
found when the entry is opened. Each commit names the plan that it follows, because in a bucket (`bucket`) two machines
may work on one entry.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxalign.embeddings import chunks
from jaxalign.embeddings.chunks import committed, remove, write_chunk
from jaxalign.runtime import bucket, files
from jaxalign.runtime.log import LOGGER
from jaxalign.types import InputError

__all__ = ["Entry", "begin", "candidates", "committed", "digest", "find", "finish", "locked", "read_index",
           "read_layer", "read_plan", "remove", "write_chunk"]  # fmt: skip

FORMAT = 3
# What an interrupted run's plan must have in common with the present one for its chunks to be used.
_SAME = ("format", "texts", "vectors", "layers", "poolings", "features")


class Entry(NamedTuple):
    """A finished entry: its layers and poolings, and the number of vectors of each chunk."""

    path: Path
    layers: tuple[int, ...]
    poolings: tuple[str, ...]
    counts: tuple[int, ...]
    features: int


def digest(parts: dict[str, Any]) -> str:
    """Name of the entry that `parts` (JSON values and arrays) determine: 32 hexadecimal digits."""
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
    """The folder, made if absent, readable by its owner only."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


@contextmanager
def locked(root: Path, name: str) -> Iterator[Path]:
    """Path of an entry, held by this process only; a second process waits and then finds the entry finished."""
    from filelock import FileLock, Timeout

    folder = private_folder(root)
    lock = FileLock(folder / f"{name}.lock", mode=0o600, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        LOGGER.info("store: waiting for another process that makes %s", folder / name)
        lock.acquire()
    try:
        yield folder / name
    finally:
        lock.release()


def begin(path: Path, plan: dict[str, Any], index: dict[str, np.ndarray], copies: int) -> None:
    """Makes the entry's folder, or keeps that of an interrupted run with its plan, which the chunks there follow.

    copies: copies of the model that share the rows of a batch; a plan that they cannot share equally is replaced.
    """
    paths = [path / "index.npz", path / "plan.json"]
    pulled = bucket.pull(paths)
    try:
        kept = read_plan(path)
        fits = [kept[key] for key in _SAME] == [plan[key] for key in _SAME]
        fits = fits and kept["rows"] % (copies * kept.get("window_rows", 1)) == 0
        if fits and kept["index"] == files.crc32(paths[0]):
            bucket.push([] if pulled else paths)
            return
    except (OSError, ValueError, KeyError, TypeError):
        pass
    remove(path)
    private_folder(path / "chunks")
    with files.atomic_writer(paths[0]) as file:
        np.savez(file, **index)  # type: ignore[arg-type]
    files.write_text(paths[1], json.dumps({**plan, "index": files.crc32(paths[0])}))
    bucket.push(paths)


def read_plan(path: Path) -> dict[str, Any]:
    """The plan that an entry follows."""
    if not (path / "plan.json").exists():
        bucket.pull([path / "index.npz", path / "plan.json"])
    return json.loads((path / "plan.json").read_text("utf-8"))


def finish(path: Path, made_of: dict[str, Any]) -> None:
    """Writes the manifest, with which the entry counts as finished; `made_of` is kept in it for people."""
    plan = read_plan(path)
    in_bucket = bucket.list_files(path)
    committed(path, plan["chunks"] if in_bucket else 0)  # pulls those of other processes, where no disk is shared
    counts = [chunks.vector_count(path, number) for number in range(plan["chunks"])]
    manifest = {"made": made_of, "counts": counts, "files": _index_sum(path), **plan}
    files.write_text(path / "manifest.json", json.dumps(manifest))
    bucket.push([path / "manifest.json"])


def candidates(folder: Path) -> list[Path]:
    """Entries under a folder, here or in the bucket, that have a manifest."""
    names = bucket.list_files(folder) or set()
    in_bucket = {folder / name.split("/")[0] for name in names if name.endswith("/manifest.json")}
    return sorted({path.parent for path in folder.glob("*/manifest.json")} | in_bucket)


def find(path: Path) -> Entry | None:
    """The finished entry at `path`, its files checked; None where it is absent, unfinished or damaged."""
    paths = [path / "index.npz", path / "plan.json", path / "manifest.json"]
    in_bucket = bucket.list_files(path)
    if not paths[-1].exists():
        if not bucket.pull(paths):
            return None
        in_bucket = None  # nothing to copy there
    try:
        manifest = json.loads(paths[-1].read_text("utf-8"))
        complete = manifest["files"] == _index_sum(path) and read_plan(path).items() <= manifest.items()
        layers, poolings, counts = (tuple(manifest[key]) for key in ("layers", "poolings", "counts"))
        entry = Entry(path, layers, poolings, counts, manifest["features"])
    except (OSError, ValueError, KeyError, TypeError):
        complete = False
    if not complete:
        LOGGER.warning("store: %s is damaged and will be made again", path)
        remove(path)
        return None
    if len(committed(path, len(entry.counts))) < len(entry.counts):
        paths[-1].unlink()
        return None
    if in_bucket is not None and "manifest.json" not in in_bucket:
        bucket.push(paths)
    return entry


def read_index(entry: Entry) -> dict[str, np.ndarray]:
    """Which vector belongs to each text, by "POOLING LANGUAGE"."""
    with np.load(entry.path / "index.npz", allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def read_layer(entry: Entry, layer: int) -> np.ndarray:
    """(vector, feature) float32 of one layer, in the entry's order."""
    if layer not in entry.layers:
        raise InputError(f"Expected a layer of {', '.join(map(str, entry.layers))}, got {layer}. See --layers.")
    vectors = np.empty((sum(entry.counts), entry.features), np.float32)
    start = 0
    for number, count in enumerate(entry.counts):
        vectors[start : start + count] = chunks.read_layer_of_chunk(entry.path, number, layer)
        start += count
    return vectors


def _index_sum(path: Path) -> dict[str, list[int]]:
    index = path / "index.npz"
    return {"index.npz": [index.stat().st_size, files.crc32(index)]}
