"""A run's folder is whole or absent; leftovers of the dead are swept, those of the living are not."""

import fcntl
import os

import pytest

from jaxalign.runtime import run_folder
from jaxalign.types import InputError


def test_numbers_go_up_and_finish_is_one_rename(tmp_path):
    first, second = run_folder.start(tmp_path), run_folder.start(tmp_path)
    assert (first.partial.name, second.partial.name) == ("run-0001.partial", "run-0002.partial")
    (first.partial / "a.txt").write_text("a")
    assert not first.final.exists()
    assert run_folder.finish(first) == tmp_path / "run-0001"
    assert sorted(os.listdir(tmp_path / "run-0001")) == ["a.txt"]
    run_folder.discard(second)
    assert not second.partial.exists() and run_folder.start(tmp_path).final.name == "run-0002"


def test_sweeps_what_a_dead_process_left_and_says_so(tmp_path, capsys):
    dead = run_folder.start(tmp_path, "mine")
    (dead.partial / "half").write_text("x")
    os.close(dead.lock)  # what the kernel does when a process dies
    alive = run_folder.start(tmp_path, "mine")
    assert not (alive.partial / "half").exists()
    assert "mine.partial" in capsys.readouterr().err


def test_does_not_touch_a_living_run(tmp_path):
    run_folder.start(tmp_path, "mine")
    with pytest.raises(InputError, match="another process"):
        run_folder.start(tmp_path, "mine")
    assert (tmp_path / "mine.partial").exists()


def test_a_finished_name_is_not_overwritten(tmp_path):
    run_folder.finish(run_folder.start(tmp_path, "mine"))
    with pytest.raises(InputError, match="finished"):
        run_folder.start(tmp_path, "mine")


def test_a_folder_that_is_not_ours_is_left_alone(tmp_path):
    (tmp_path / "thesis.partial").mkdir()
    (tmp_path / "thesis.partial" / "chapter").write_text("x")
    run_folder.start(tmp_path)
    assert (tmp_path / "thesis.partial" / "chapter").exists()


@pytest.mark.parametrize("place", ["file/inside", "/proc/nothing"])
def test_a_place_that_cannot_be_written(tmp_path, place):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="--workdir"):
        run_folder.start(tmp_path / place)


def test_write_text_is_whole_or_absent(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    run_folder.write_json(path, {"a": 1})
    monkeypatch.setattr(os, "fsync", lambda file: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="space"):
        run_folder.write_json(path, {"a": 2})
    assert path.read_text() == '{\n  "a": 1\n}\n' and os.listdir(tmp_path) == ["a.json"]


def test_the_lock_is_exclusive(tmp_path):
    run = run_folder.start(tmp_path)
    with open(run.partial / ".lock") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
