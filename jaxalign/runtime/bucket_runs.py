"""Names of runs in a bucket that several machines share: claimed before a run starts, marked when it is complete.

`names/NAME.json` in the bucket holds the machine that claimed a name and, when the run is finished, its files with
their checksums. Work folders that are not in a bucket are left unchanged by every function here.
"""

import contextlib
import json
import uuid
from pathlib import Path
from typing import Any

from jaxalign.runtime import bucket, files
from jaxalign.runtime.bucket import Mirror
from jaxalign.runtime.log import LOGGER
from jaxalign.types import InputError

LARGEST_NUMBER = 10**8


def claim(root: Path, name: str) -> str:
    """A run's name that no run of the bucket has: `name` itself or the next free run-NNNN; unchanged for other folders.

    A run that finished on this machine before it was copied to the bucket is copied first. Raises InputError where
    `name` is taken.
    """
    mirror = bucket.mirror_of(root)
    if mirror is None:
        return name
    owner = _owner(root)
    claims = {file.removesuffix(".json"): _read_claim(mirror, file) for file in bucket.list_files(root / "names") or ()}
    for other, claimed in claims.items():
        if claimed.get("owner") == owner and not claimed.get("finished") and (root / other).is_dir():
            LOGGER.info("jaxalign: found %s, finished but not in the bucket; copying it.", root / other)
            publish(root / other)
            claimed["finished"] = True
    own_claim = claims.get(name, {})
    if own_claim.get("finished") or own_claim and own_claim.get("owner") != owner:
        state = "is finished" if own_claim.get("finished") else "another machine has started"
        raise InputError(
            f"Expected a new --run_name, got {name!r}, which {state} in {mirror.url}. Give another name, or remove "
            f"names/{name}.json there."
        )
    if name:
        if not _write_claim(mirror, name, owner, again=bool(own_claim)):
            raise InputError(f"Expected a new --run_name, got {name!r}, which another machine has just taken.")
        return name
    taken = [int(other[4:]) for other in claims if other.startswith("run-") and other[4:].isdigit()]
    for number in range(max(taken, default=0) + 1, LARGEST_NUMBER):
        if _write_claim(mirror, f"run-{number:04d}", owner, again=False):
            return f"run-{number:04d}"
    raise InputError(f"Expected a free run-NNNN in {mirror.url}, got none. Give a --run_name.")


def release(root: Path, name: str) -> None:
    """Gives up the name of a run that was not finished."""
    mirror = bucket.mirror_of(root)
    if mirror:
        with contextlib.suppress(OSError):  # the bucket may be what failed
            bucket.wait_for([mirror.store.write(f"names/{name}.json", None)], "write")


def publish(run: Path) -> None:
    """Copies a finished run to the bucket: all its files, then the entry under `names/` with their checksums."""
    mirror = bucket.mirror_of(run)
    if mirror is None:
        return
    paths = sorted(path for path in run.rglob("*") if path.is_file())
    for path in paths:  # one at a time in memory
        bucket.push([path])
    sums = {path.relative_to(run).as_posix(): [path.stat().st_size, files.crc32(path)] for path in paths}
    entry = json.dumps({"owner": _owner(mirror.root), "finished": True, "files": sums}).encode()
    bucket.wait_for([mirror.store.write(f"names/{run.name}.json", entry)], "write")


def _write_claim(mirror: Mirror, name: str, owner: str, again: bool) -> bool:
    """Writes the claim unless there is one already; False where another machine was faster."""
    key, entry = f"names/{name}.json", json.dumps({"owner": owner, "finished": False}).encode()
    (present,) = bucket.wait_for([mirror.store.read(key)], "read")
    if present.state == "value" and not again or (mirror.root / name).exists():
        return False
    (stamp,) = bucket.wait_for([mirror.store.write(key, entry, if_equal=present.stamp.generation)], "write")
    return bool(stamp.generation)


def _read_claim(mirror: Mirror, file: str) -> dict[str, Any]:
    (result,) = bucket.wait_for([mirror.store.read(f"names/{file}")], "read")
    try:
        return dict(json.loads(result.value))
    except (ValueError, TypeError):
        return {"owner": "unknown"}


def _owner(root: Path) -> str:
    """A random name of this mirror, kept in it."""
    path = root / ".owner"
    if not path.exists():
        bucket.write_private(path, uuid.uuid4().hex.encode())
    return path.read_text("ascii")
