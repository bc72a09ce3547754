"""A run's folder is whole or absent; what ended processes left is removed, what others work on is not."""

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


def test_removes_what_a_dead_process_left_and_says_so(tmp_path, caplog):
    caplog.set_level("INFO", logger="jaxalign")
    dead = run_folder.start(tmp_path, "mine")
    (dead.partial / "half").write_text("x")
    dead.lock.release()  # what the kernel does when a process dies
    alive = run_folder.start(tmp_path, "mine")
    assert not (alive.partial / "half").exists()
    assert "mine.partial" in caplog.text


def test_does_not_touch_a_living_run(tmp_path):
    alive = run_folder.start(tmp_path, "mine")
    with pytest.raises(InputError, match="another process"):
        run_folder.start(tmp_path, "mine")
    assert (tmp_path / "mine.partial").exists() and alive.lock.is_locked


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


def test_the_lock_is_exclusive_and_seen_by_older_versions(tmp_path):
    run = run_folder.start(tmp_path)
    with open(run.partial / ".lock") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_work_folder_made_for_a_run_that_failed_is_removed(tmp_path):
    run = run_folder.start(tmp_path / "new")
    run_folder.discard(run)
    assert not (tmp_path / "new").exists() and not run.lock.is_locked
