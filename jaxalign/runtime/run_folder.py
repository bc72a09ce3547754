"""A run's folder: made as NAME.partial and renamed to NAME only when everything in it is complete."""

import contextlib
import errno
import os
import re
import shutil
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock, Timeout

from jaxalign.runtime import files
from jaxalign.runtime.log import LOGGER
from jaxalign.types import InputError


class RunFolder(NamedTuple):
    """An unfinished run's folder and the lock on it, which the system releases however the process ends."""

    partial: Path
    final: Path
    lock: FileLock
    new_workdir: bool = False  # whether the work folder was made for this run


def start(workdir: str | Path, name: str = "") -> RunFolder:
    """A locked, empty `NAME.partial` under `workdir`; NAME is the next free run-NNNN when not given.

    Folders left by processes that have ended are named in the log and removed. Raises InputError when the folder
    cannot be written, when NAME is finished already or when another process is working on it.
    """
    workdir = Path(workdir)
    try:
        new = not workdir.exists()
        workdir_lock = _lock_workdir(workdir)
        try:
            _remove_abandoned(workdir)
            made = _claim(workdir, name) if name else _claim_next(workdir)
            return made._replace(new_workdir=new)
        finally:
            workdir_lock.release()
    except OSError as error:
        unusable = (PermissionError, NotADirectoryError, FileExistsError, FileNotFoundError)
        if isinstance(error, unusable) or error.errno in (errno.EROFS, errno.ENAMETOOLONG, errno.ELOOP):
            raise InputError(
                f"Expected --workdir to be a folder that can be written, got {workdir}: {error.strerror}. "
                "Give another --workdir."
            ) from error
        raise


def finish(run: RunFolder) -> Path:
    """The finished folder's path; flushes every file to the disk, then renames the folder in one step."""
    for path in run.partial.rglob("*"):
        if path.is_file():
            with open(path, "rb") as file:
                os.fsync(file.fileno())
        elif path.is_dir():
            files.flush_folder(path)
    (run.partial / ".lock").unlink()
    files.flush_folder(run.partial)
    os.rename(run.partial, run.final)
    run.lock.release()
    files.flush_folder(run.final.parent)
    return run.final


def discard(run: RunFolder) -> None:
    """Removes an unfinished folder, and the work folder too if it was made for this run and holds nothing else."""
    shutil.rmtree(run.partial, ignore_errors=True)
    run.lock.release()
    workdir = run.partial.parent
    with contextlib.suppress(OSError):
        workdir_lock = _lock_workdir(workdir)
        try:
            if {path.name for path in workdir.iterdir()} == {".lock"}:
                (workdir / ".lock").unlink()
                if run.new_workdir:
                    workdir.rmdir()
        finally:
            workdir_lock.release()


def _lock_workdir(workdir: Path) -> FileLock:
    """The lock of a work folder: one process at a time claims a name or tidies up."""
    lock = FileLock(workdir / ".lock", mode=0o600, thread_local=False)
    for _ in range(100):
        workdir.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire()
        except FileNotFoundError:  # another process has removed the folder meanwhile
            continue
        if (workdir / ".lock").exists():
            return lock
        lock.release()  # another process has removed the file that this lock stands for
    raise OSError(errno.EBUSY, "a lock file that other processes keep removing", str(workdir / ".lock"))


def _claim_next(workdir: Path) -> RunFolder:
    matches = (re.match(r"run-(\d{4,9})(?!\d)", path.name) for path in workdir.glob("run-[0-9]*"))
    used = [int(match[1]) for match in matches if match]
    return _make(workdir, f"run-{max(used, default=0) + 1:04d}")


def _claim(workdir: Path, name: str) -> RunFolder:
    if (workdir / name).exists():
        raise InputError(
            f"Expected a new --run_name, got {name!r}, which is finished in {workdir}. "
            "Give another name, or remove that folder."
        )
    if (workdir / f"{name}.partial").exists():
        raise InputError(
            f"Expected --run_name={name} to be free, but another process is working on it in {workdir}. "
            "Wait for it, or give another name."
        )
    return _make(workdir, name)


def _make(workdir: Path, name: str) -> RunFolder:
    partial = workdir / f"{name}.partial"
    partial.mkdir()
    lock = FileLock(partial / ".lock", timeout=0, mode=0o600, thread_local=False)
    lock.acquire()
    return RunFolder(partial, workdir / name, lock)


def _remove_abandoned(workdir: Path) -> None:
    """Removes the partial folders whose process has ended."""
    for partial in sorted(workdir.glob("*.partial")):
        lock = _lock_if_abandoned(partial)
        if lock is None:
            continue
        LOGGER.info(
            "jaxalign: found %s, a run that was stopped before its end; removing it. Its finished spaces and ranks "
            "are kept and will be used again.", partial,
        )  # fmt: skip
        shutil.rmtree(partial, ignore_errors=True)
        lock.release()


def _lock_if_abandoned(partial: Path) -> FileLock | None:
    """The lock of a partial folder if nobody holds it; None for a folder in use, or one that is not a run's."""
    if not (partial / ".lock").exists():
        return None
    lock = FileLock(partial / ".lock", timeout=0, mode=0o600, thread_local=False)
    try:
        lock.acquire()
    except (Timeout, OSError):
        return None
    return lock
