"""A run's folder: made apart as NAME.partial, renamed to NAME only when everything in it is whole."""

import contextlib
import errno
import fcntl
import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

from jaxalign.types import InputError


class RunFolder(NamedTuple):
    """An unfinished run's folder and its open lock file; the lock falls with the process, however that ends."""

    partial: Path
    final: Path
    lock: int
    fresh: bool = False  # whether the work folder was made for it


def start(workdir: str | Path, name: str = "") -> RunFolder:
    """A locked, empty `NAME.partial` under `workdir`; NAME is the next free run-NNNN when not given.

    Folders left by processes that are gone are reported on stderr and removed. Raises InputError when the place cannot
    be written, when NAME is finished already or when another process is at it.
    """
    workdir = Path(workdir)
    try:
        fresh = not workdir.exists()
        door = _open_door(workdir)
        try:
            _sweep(workdir)
            made = _claim(workdir, name) if name else _claim_next(workdir)
            return made._replace(fresh=fresh)
        finally:
            os.close(door)
    except (PermissionError, NotADirectoryError, FileExistsError, FileNotFoundError) as error:
        raise InputError(
            f"Expected --workdir to be a folder that can be written, got {workdir}: {error.strerror}. "
            "Give another --workdir."
        ) from error
    except OSError as error:
        if error.errno in (errno.EROFS, errno.ENAMETOOLONG, errno.ELOOP):
            raise InputError(
                f"Expected --workdir to be a folder that can be written, got {workdir}: "
                f"{error.strerror}. Give another --workdir."
            ) from error
        raise


def finish(run: RunFolder) -> Path:
    """The finished folder's path; flushes every file, then renames in one step."""
    for path in run.partial.rglob("*"):
        if path.is_file():
            with open(path, "rb") as file:
                os.fsync(file.fileno())
    (run.partial / ".lock").unlink()
    os.rename(run.partial, run.final)
    os.close(run.lock)
    return run.final


def discard(run: RunFolder) -> None:
    """Removes an unfinished folder, so that nothing half-written stays; the work folder too if made for it alone."""
    shutil.rmtree(run.partial, ignore_errors=True)
    os.close(run.lock)
    workdir = run.partial.parent
    with contextlib.suppress(OSError):
        door = _open_door(workdir)
        try:
            if {path.name for path in workdir.iterdir()} == {".lock"}:
                (workdir / ".lock").unlink()
                if run.fresh:
                    workdir.rmdir()
        finally:
            os.close(door)


def _open_door(workdir: Path) -> int:
    """The locked door of a work folder: one process at a time sweeps, claims or tidies up."""
    for attempt in range(100):
        workdir.mkdir(parents=True, exist_ok=True)
        try:
            door = os.open(workdir / ".lock", os.O_CREAT | os.O_RDWR, 0o600)
            fcntl.flock(door, fcntl.LOCK_EX)
            if os.path.samestat(os.fstat(door), os.stat(workdir / ".lock")):
                return door
            os.close(door)
        except FileNotFoundError:  # another process removed it meanwhile
            if attempt == 99:
                raise
    raise OSError(errno.EBUSY, "a lock file that others keep removing", str(workdir / ".lock"))


def write_text(path: Path, text: str) -> None:
    """Writes a file whole or not at all: a temporary beside it, flushed, then renamed over it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(temporary, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, value) -> None:
    """Writes a JSON document whole or not at all."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n")


def _claim_next(workdir: Path) -> RunFolder:
    named = (re.match(r"run-(\d{4,9})(?!\d)", path.name) for path in workdir.glob("run-[0-9]*"))
    used = [int(found[1]) for found in named if found]
    return _make(workdir, f"run-{max(used, default=0) + 1:04d}")


def _claim(workdir: Path, name: str) -> RunFolder:
    if (workdir / name).exists():
        raise InputError(
            f"Expected a new --run_name, got {name!r}, which is finished in {workdir}. "
            "Give another name, or remove that folder."
        )
    if (workdir / f"{name}.partial").exists():
        raise InputError(
            f"Expected --run_name={name} to be free, but another process is at work on it in {workdir}. "
            "Wait for it, or give another name."
        )
    return _make(workdir, name)


def _make(workdir: Path, name: str) -> RunFolder:
    partial = workdir / f"{name}.partial"
    partial.mkdir()
    lock = os.open(partial / ".lock", os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return RunFolder(partial, workdir / name, lock)


def _sweep(workdir: Path) -> None:
    for partial in sorted(workdir.glob("*.partial")):
        lock = _lock_if_abandoned(partial)
        if lock is None:
            continue
        print(
            f"jaxalign: found {partial}, a run that was stopped before its end; removing it. Its finished spaces and "
            "ranks are kept and will be used again.",
            file=sys.stderr,
        )
        shutil.rmtree(partial, ignore_errors=True)
        os.close(lock)


def _lock_if_abandoned(partial: Path) -> int | None:
    try:
        lock = os.open(partial / ".lock", os.O_RDWR)
    except OSError:
        return None  # not ours, or just being made
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock
