"""Files written whole or not at all, and their checksums.

Every file of a run is written through `atomic_writer`: into a temporary file in the same folder, flushed to the disk,
then renamed over the old one, and the folder flushed too. A process that is killed, or a machine that loses its power,
leaves the old file or the new one, never a part of either.
"""

import contextlib
import errno
import json
import os
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

BLOCK = 1 << 22  # bytes read at a time for a checksum
# What the system says of a disk -> the number of that error.
_DISK_ERRORS = {
    os.strerror(number): number
    for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.EACCES)
}


def user_cache(name: str) -> Path:
    """The path of one part of the user's cache, $XDG_CACHE_HOME/jaxalign or ~/.cache/jaxalign; it need not exist."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jaxalign" / name


@contextlib.contextmanager
def atomic_writer(path: Path, mode: int = 0o666) -> Iterator[BinaryIO]:
    """A binary file that becomes `path` when the block ends, and is removed when the block raises.

    mode: permissions of a new file before the umask; 0o600 for a file that only its owner may read.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.partial")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    flush_folder(path.parent)


def write_bytes(path: Path, data: bytes, mode: int = 0o666) -> None:
    """Writes a file whole or not at all."""
    with atomic_writer(path, mode) as file:
        file.write(data)


def write_text(path: Path, text: str, mode: int = 0o666) -> None:
    """Writes UTF-8 text with its line feeds as they are, whole or not at all."""
    write_bytes(path, text.encode("utf-8"), mode)


def write_json(path: Path, value: Any) -> None:
    """Writes a JSON document for people: indented, keys in order; whole or not at all."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n")


@contextlib.contextmanager
def os_errors(path: Path) -> Iterator[None]:
    """OSError where a library tells of a full or failing disk by an error of its own, as Orbax and safetensors do."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        number = next((code for text, code in _DISK_ERRORS.items() if text in str(error)), None)
        if number is None:
            raise
        raise OSError(number, os.strerror(number), str(path)) from error


def flush_folder(folder: Path) -> None:
    """Flushes the entries of a folder to the disk, so that a rename in it survives a loss of power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # file systems that cannot flush a folder
            raise
    finally:
        os.close(handle)


def crc32(path: Path) -> int:
    """CRC-32 of a file's bytes."""
    value = 0
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            value = zlib.crc32(block, value)
    return value
