"""What goes wrong with a machine, done for real to a process: nothing partial looks finished, nothing is lost."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from tests.small_run import bench, command, figures, space_bytes

slow = partial(pytest.param, marks=pytest.mark.slow)


@pytest.fixture(autouse=True)
def heard():
    """A shell starts what runs in the background with SIGINT ignored, and a child of it would inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def there(workdir: Path, seen: str) -> bool:
    """Whether a path that matches `seen` exists; a folder that is renamed while it is searched is searched again."""
    try:
        return any(workdir.glob(seen))
    except FileNotFoundError:  # orbax renames its folders when they are complete
        return False


def stop_when(root: Path, workdir: Path, seen: str, number: int) -> subprocess.CompletedProcess:
    """Runs until a path that matches `seen` exists under the work folder, then sends the signal."""
    with subprocess.Popen(command(root, workdir), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 120
        while process.poll() is None and not there(workdir, seen) and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(number)
        out, err = process.communicate(timeout=120)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@pytest.mark.parametrize(
    "seen",
    [
        "spaces/**/chunks/*.json",
        *map(slow, ("run-*.partial/split.json", "spaces/**/manifest.json", "ranks/*.ranks")),
    ],
)
def test_sigkill_then_the_same_command_ends_with_the_same_bytes(place, tmp_path, seen):
    killed = stop_when(place, tmp_path, seen, signal.SIGKILL)
    assert killed.returncode == -signal.SIGKILL
    assert not list(tmp_path.glob("run-[0-9][0-9][0-9][0-9]"))
    finished = {path: path.stat().st_mtime_ns for path in tmp_path.glob("spaces/**/manifest.json")}
    again = bench(place, tmp_path)
    assert again.returncode == 0, again.stderr
    assert "stopped before its end" in again.stderr
    assert {path: path.stat().st_mtime_ns for path in finished} == finished  # a finished space is not made again
    assert figures(tmp_path) == figures(place / "good")
    assert space_bytes(tmp_path) == space_bytes(place / "good")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), slow(signal.SIGINT, 130)])
def test_a_polite_stop_leaves_no_run_folder(place, tmp_path, number, status):
    stopped = stop_when(place, tmp_path, "spaces/**/chunks/*.json", number)
    assert stopped.returncode == status, stopped.stderr
    assert not list(tmp_path.glob("run-*"))
    again = bench(place, tmp_path)
    assert again.returncode == 0 and figures(tmp_path) == figures(place / "good")


DROPPED = """
import gc, sys, time
from jaxalign import bench
from jaxalign.experiment import run as pipeline

def collecting(phase, info):  # as JAX's own callback: what is raised in here is reported, not raised
    gc.callbacks.remove(collecting)
    print("collecting", flush=True)
    time.sleep(3)

def run(config, imported):
    gc.callbacks.append(collecting)
    gc.collect()
    time.sleep(30)

pipeline.run = run
sys.exit(bench.main(["bench"]))
"""


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_that_python_drops_is_sent_again(number, status):
    with subprocess.Popen([sys.executable, "-c", DROPPED], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "collecting\n"
        process.send_signal(number)
        begun = time.monotonic()
        assert process.wait(timeout=60) == status
        assert time.monotonic() - begun < 20  # of the thirty seconds that the run goes on


@pytest.mark.slow
def test_a_full_disk_is_an_error_and_room_mends_it(place, tmp_path):
    def small():
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    full = bench(place, tmp_path, preexec_fn=small)
    assert full.returncode == 1 and "jaxalign: [Errno 27] File too large" in full.stderr, full.stderr
    assert not list(tmp_path.glob("run-[0-9][0-9][0-9][0-9]"))
    again = bench(place, tmp_path)
    assert again.returncode == 0, again.stderr
    assert figures(tmp_path) == figures(place / "good")


def test_a_full_file_system(place, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", small], capture_output=True).returncode:
        pytest.skip("mounting a small file system needs root")
    try:
        full = bench(place, small)
        said = "jaxalign: [Errno 28] No space left on device"  # threads of Orbax may write of it too
        assert full.returncode == 1 and said in full.stderr and "free disk space" in full.stderr, full.stderr
        assert not list(small.glob("run-[0-9][0-9][0-9][0-9]"))
    finally:
        subprocess.run(["umount", "-l", small], check=True)


def test_a_folder_that_cannot_be_written(place, tmp_path):
    if os.geteuid() == 0:
        folder = Path("/proc/nothing")
    else:
        folder = tmp_path / "locked"
        folder.mkdir(mode=0o500)
    done = bench(place, folder)
    assert done.returncode == 2 and "--workdir" in done.stderr and not done.stdout


@pytest.mark.slow
def test_two_runs_on_one_work_folder(place, tmp_path):
    both = [
        subprocess.Popen(command(place, tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    heard = [process.communicate(timeout=240) for process in both]
    assert [process.returncode for process in both] == [0, 0], heard
    assert figures(tmp_path, "run-0001") == figures(tmp_path, "run-0002") == figures(place / "good")
    assert {json.loads(out.splitlines()[-1])["run"][-8:] for out, _ in heard} == {"run-0001", "run-0002"}
    assert space_bytes(tmp_path) == space_bytes(place / "good")


@pytest.mark.parametrize(
    "victim",
    ["spaces/**/chunks/00000/**/0.0", *map(slow, ("ranks/*.ranks", "ranks/*.rows", "spaces/**/manifest.json"))],
)
def test_a_damaged_entry_is_made_again(place, tmp_path, victim):
    shutil.copytree(place / "good", tmp_path, dirs_exist_ok=True)
    hit = [path for path in tmp_path.glob(victim) if path.is_file()]
    assert hit
    for path in hit:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 0xFF
        path.write_bytes(data)
    if not victim.startswith("ranks"):
        for path in tmp_path.glob("ranks/*"):
            path.unlink()
    again = bench(place, tmp_path)
    assert again.returncode == 0, again.stderr
    assert "damaged" in again.stderr
    assert figures(tmp_path, "run-0002") == figures(place / "good")


@pytest.mark.slow
def test_a_clock_that_jumped_changes_nothing(place, tmp_path):
    shutil.copytree(place / "good", tmp_path, dirs_exist_ok=True)
    for path in tmp_path.rglob("*"):
        future = time.time() + 10**8 * (1 if path.name < "m" else -1)
        os.utime(path, (future, future))
    before = space_bytes(tmp_path)
    again = bench(place, tmp_path)
    assert again.returncode == 0 and figures(tmp_path, "run-0002") == figures(place / "good")
    assert space_bytes(tmp_path) == before
    assert "embed" not in again.stderr.replace("embeddings", "")


def test_no_decision_reads_the_wall_clock():
    package = Path(__file__).resolve().parents[2] / "jaxalign"
    said = [
        path.name
        for path in package.rglob("*.py")
        if "time.time()" in path.read_text() or "datetime" in path.read_text()
    ]
    assert said == []


@pytest.mark.slow
def test_a_run_repeats_from_its_own_flags(place, tmp_path):
    flags = place / "good" / "run-0001" / "flags.txt"
    done = subprocess.run(
        [sys.executable, "-m", "jaxalign.bench", f"--flagfile={flags}", f"--workdir={tmp_path}"],
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    assert figures(tmp_path) == figures(place / "good")


def test_caches_are_private(place):
    for folder in ("spaces", "ranks"):
        assert (place / "good" / folder).stat().st_mode & 0o077 == 0
    with np.load(place / "good" / "run-0001" / "ranks.npz", allow_pickle=False) as ranks:
        assert all(table.dtype == np.int32 for table in ranks.values())
