"""Files are written whole or not at all, whatever fails, and their folder is flushed as well."""

import errno
import os
import stat
import zlib
from pathlib import Path

import pytest

from jaxalign.runtime import files


def test_write_json_is_whole_or_absent(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    files.write_json(path, {"a": 1})
    monkeypatch.setattr(os, "fsync", lambda file: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="space"):
        files.write_json(path, {"a": 2})
    assert path.read_text() == '{\n  "a": 1\n}\n' and os.listdir(tmp_path) == ["a.json"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_interrupted_block_leaves_the_old_file(tmp_path, error):
    path = tmp_path / "ranks"
    files.write_bytes(path, b"old")
    with pytest.raises(error), files.atomic_writer(path) as file:
        file.write(b"half")
        raise error
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["ranks"]


def test_the_file_and_then_its_folder_reach_the_disk(tmp_path, monkeypatch):
    flushed = []
    monkeypatch.setattr(os, "fsync", lambda handle: flushed.append(stat.S_ISDIR(os.fstat(handle).st_mode)))
    files.write_text(tmp_path / "a.txt", "a\r\nb")
    assert flushed == [False, True] and (tmp_path / "a.txt").read_bytes() == b"a\r\nb"


def test_private_files_are_for_their_owner_only(tmp_path):
    files.write_bytes(tmp_path / "a", b"", mode=0o600)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600


def test_crc32_reads_block_by_block(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "BLOCK", 7)
    (tmp_path / "a").write_bytes(bytes(range(100)))
    assert files.crc32(tmp_path / "a") == zlib.crc32(bytes(range(100)))


def test_what_libraries_say_of_a_full_disk_is_an_error_of_the_system(tmp_path):
    """Orbax and tensorstore raise a ValueError of several lines; any other error stays what it is."""
    for error in (ValueError('RESOURCE_EXHAUSTED: Error writing "x" [No space left on device]\n  source'),
                  RuntimeError("SafetensorError: I/O error: No space left on device (os error 28)")):  # fmt: skip
        with pytest.raises(OSError, match="No space left on device: ") as caught, files.os_errors(tmp_path / "x"):
            raise error
        assert caught.value.errno == errno.ENOSPC and caught.value.filename == str(tmp_path / "x")
    for error in (ValueError("RESOURCE_EXHAUSTED: out of memory"), FileNotFoundError("x")):
        with pytest.raises(type(error)) as caught, files.os_errors(tmp_path):
            raise error
        assert caught.value is error


def test_the_users_cache_is_by_the_variable_or_in_the_home_folder(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert files.user_cache("page") == Path("/somewhere/jaxalign/page")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/someone")
    assert files.user_cache("page") == Path("/home/someone/.cache/jaxalign/page")
