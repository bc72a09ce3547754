"""A work folder in a Google Cloud Storage bucket: a private folder on this machine, mirrored piece by piece.

`gs://BUCKET/PATH` stands for a local folder. What is finished there (a chunk, an entry, ranks, a run) is copied up, its
commit last; what is absent here is looked up there, its commit written last again, so that a kill on either side never
leaves something that looks finished. Readers check what they get by the checksums that commits hold. The transport is
tensorstore, Orbax's own; a folder that is no mirror is left alone by every function here.
"""

import contextlib
import hashlib
import json
import os
import sys
import uuid
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jaxalign.types import InputError

PATIENCE = 30.0  # seconds until the first answer
_mirrors: dict[Path, tuple[str, Any]] = {}  # local folder -> URL, key-value store


def is_url(workdir: str) -> bool:
    """Whether a work folder lies in a bucket; InputError for a URL that is none of a bucket."""
    if "://" not in workdir:
        return False
    scheme, _, rest = workdir.partition("://")
    name = rest.split("/")[0]
    parts = rest.rstrip("/").split("/")
    if scheme != "gs" or not name or not name.isascii() or any(part in ("", ".", "..") for part in parts):
        raise InputError(f"Expected --workdir as a folder or as gs://BUCKET/PATH, got {workdir!r}.")
    return True


def mirror(url: str) -> Path:
    """The local folder that stands for `gs://BUCKET/PATH`; InputError where the bucket does not answer."""
    import tensorstore

    url = url.rstrip("/") + "/"
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    root = (cache / "jaxalign" / "work" / hashlib.sha256(url.encode()).hexdigest()[:16]).absolute()
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    impatient = tensorstore.Context({"gcs_request_retries": {"max_retries": 3, "max_delay": "1s"}})
    try:
        probe = tensorstore.KvStore.open(url, context=impatient).result()
        probe.list(_range(tensorstore, "names/")).result(timeout=PATIENCE)
        _mirrors[root] = url, tensorstore.KvStore.open(url).result()
    except (ValueError, RuntimeError, OSError) as error:
        raise InputError(
            f"Expected --workdir to be a bucket that answers, got {url}: {_said(error)}. Mend its name, the network or "
            "the rights (gcloud auth application-default login), or give a folder."
        ) from error
    print(f"jaxalign: {url} is mirrored in {root}", file=sys.stderr)
    return root


def push(paths: Sequence[Path]) -> None:
    """Copies files up, the last one when all the others are there."""
    if paths and (place := _place(paths[-1])):
        root, store = place
        _wait([store.write(_key(root, path), path.read_bytes()) for path in paths[:-1]], "write")
        _wait([store.write(_key(root, paths[-1]), paths[-1].read_bytes())], "write")


def pull(paths: Sequence[Path]) -> bool:
    """Copies files down, over those here, the last one when all the others are there; whether it found all."""
    place = _place(paths[-1]) if paths else None
    if place is None:
        return False
    root, store = place
    found = _wait([store.read(_key(root, path)) for path in paths], "read")
    if any(one.state != "value" for one in found):
        return False
    for path, one in zip(paths, found, strict=True):
        _put(path, bytes(one.value))
    return True


def names(folder: Path) -> set[str] | None:
    """Paths of all the files under a folder in the bucket, relative to it; None where the folder is no mirror."""
    place = _place(folder)
    if place is None:
        return None
    import tensorstore

    root, store = place
    prefix = "" if folder == root else _key(root, folder) + "/"
    (keys,) = _wait([store.list(_range(tensorstore, prefix))], "list")
    return {key.decode()[len(prefix) :] for key in keys}


def url_of(path: Path) -> str:
    """The URL that a path of a mirror stands for, or the path itself."""
    place = _place(path)
    return _mirrors[place[0]][0] + _key(place[0], path) if place else str(path)


def claim(root: Path, name: str) -> str:
    """A run's name that no run of the bucket has, `name` itself or the next free run-NNNN; unchanged for other folders.

    A run that ended here before it was copied up is copied first. Raises InputError where `name` is taken.
    """
    if root not in _mirrors:
        return name
    owner = _owner(root)
    known = {file.removesuffix(".json"): _read_claim(root, file) for file in names(root / "names") or ()}
    for other, made in known.items():
        if made.get("owner") == owner and not made.get("finished") and (root / other).is_dir():
            print(f"jaxalign: found {root / other}, finished but not in the bucket; copying it.", file=sys.stderr)
            publish(root / other)
            made["finished"] = True
    mine = known.get(name, {})
    if mine.get("finished") or mine and mine.get("owner") != owner:
        what = "finished" if mine.get("finished") else "another machine's, at work or stopped,"
        raise InputError(
            f"Expected a new --run_name, got {name!r}, which is {what} in {_mirrors[root][0]}. Give another name, or "
            f"remove names/{name}.json there."
        )
    taken = [int(other[4:]) for other in known if other.startswith("run-") and other[4:].isdigit()]
    number = max(taken, default=0)
    while not _claimed(root, name or f"run-{number + 1:04d}", owner, again=bool(mine)):
        number += 1
        if name or number > 10**8:
            raise InputError(f"Expected a new --run_name, got {name!r}, which another machine has just taken.")
    return name or f"run-{number + 1:04d}"


def release(root: Path, name: str) -> None:
    """Gives the name of a run that came to nothing back."""
    if root in _mirrors:
        with contextlib.suppress(OSError):  # the bucket may be what failed
            _wait([_mirrors[root][1].write(f"names/{name}.json", None)], "write")


def publish(run: Path) -> None:
    """Copies a finished run up: all its files, then the entry under `names/` that says so, with their checksums."""
    place = _place(run)
    if place is None:
        return
    root, store = place
    files = sorted(path for path in run.rglob("*") if path.is_file())
    for path in files:  # one at a time in memory
        push([path])
    sums = {path.relative_to(run).as_posix(): [path.stat().st_size, zlib.crc32(path.read_bytes())] for path in files}
    said = json.dumps({"owner": _owner(root), "finished": True, "files": sums}).encode()
    _wait([store.write(f"names/{run.name}.json", said)], "write")


def _claimed(root: Path, name: str, owner: str, again: bool) -> bool:
    """Writes the claim unless there is one, whoever is faster."""
    store = _mirrors[root][1]
    key, said = f"names/{name}.json", json.dumps({"owner": owner, "finished": False}).encode()
    (there,) = _wait([store.read(key)], "read")
    if there.state == "value" and not again or (root / name).exists():
        return False
    (stamp,) = _wait([store.write(key, said, if_equal=there.stamp.generation)], "write")
    return bool(stamp.generation)


def _read_claim(root: Path, file: str) -> dict[str, Any]:
    (found,) = _wait([_mirrors[root][1].read(f"names/{file}")], "read")
    try:
        return dict(json.loads(found.value))
    except (ValueError, TypeError):
        return {"owner": "unknown"}


def _owner(root: Path) -> str:
    """A random name of this mirror."""
    path = root / ".owner"
    if not path.exists():
        _put(path, uuid.uuid4().hex.encode())
    return path.read_text("ascii")


def _place(path: Path) -> tuple[Path, Any] | None:
    return next(((root, store) for root, (_, store) in _mirrors.items() if path.is_relative_to(root)), None)


def _key(root: Path, path: Path) -> str:
    if ".." in path.parts:
        raise InputError(f"Expected file names within the work folder, got {path}. Remove that entry.")
    return path.relative_to(root).as_posix()


def _range(tensorstore: Any, prefix: str) -> Any:
    return tensorstore.KvStore.KeyRange(prefix, prefix[:-1] + "0") if prefix else None  # "0" follows "/"


def _wait(futures: Sequence[Any], what: str) -> list[Any]:
    """Results of the store; a bucket that has gone is an OSError."""
    try:
        return [future.result() for future in futures]
    except (ValueError, RuntimeError) as error:
        raise OSError(f"the bucket of --workdir does not {what}: {_said(error)}") from error


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    with open(part, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
