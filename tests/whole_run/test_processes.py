"""Two processes of one run on this machine share its pairs and give the figures of one process, or end together."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.child_processes import ended, free_port

ROOT = Path(__file__).resolve().parents[2]
FLAGS = ["--flagfile=benchmarks/quickstart.flags", "--languages=en,fr,fi", "--embeddings=vanilla", "--retrieval=csls",
         "--settings=before,after,null", "--controls=gpa", "--bootstrap=0"]  # fmt: skip
TIMES = {"before": 2, "after": 1, "null": 1}  # the shared space of gpa asks for `before` once more


def start(workdir: Path, *flags: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "tests.whole_run.processes_worker", *FLAGS, f"--workdir={workdir}", *flags]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def two(workdir: Path, *own: str) -> list[tuple[int, str, str]]:
    """As `ended`, two processes of one run; `own` are flags of the second alone."""
    shared = (f"--coordinator=127.0.0.1:{free_port()}", "--num_processes=2")
    return ended([start(workdir, *shared, "--process_id=0"), start(workdir, *shared, "--process_id=1", *own)])


def computed(stderr: str) -> list[tuple[str, ...]]:
    return sorted(map(tuple, json.loads(stderr.splitlines()[-1])))


@pytest.fixture(scope="module")
def one(tmp_path_factory) -> tuple[Path, list[tuple[str, ...]]]:
    """A run in one process, and what it computed."""
    workdir = tmp_path_factory.mktemp("one")
    ((status, _, stderr),) = ended([start(workdir)])
    assert status == 0, stderr
    return workdir / "run-0001", computed(stderr)


@pytest.mark.slow
def test_two_processes_share_the_pairs_and_give_the_figures_of_one(one, tmp_path):
    run, alone = one
    assert len(alone) == 3 * sum(TIMES.values())
    first, second = two(tmp_path)
    assert (first[0], second[0]) == (0, 0), (first, second)
    shares = [computed(first[2]), computed(second[2])]
    assert sorted(shares[0] + shares[1]) == alone and min(map(len, shares)) >= len(alone) // 2 - 1
    assert (tmp_path / "run-0001" / "results.parquet").read_bytes() == (run / "results.parquet").read_bytes()
    with np.load(run / "ranks.npz") as want, np.load(tmp_path / "run-0001" / "ranks.npz") as found:
        assert want.files == found.files and all((want[name] == found[name]).all() for name in want.files)
    assert "P@1" not in second[1]  # only the first process reports

    # The question of three settings is open again; those of gpa, in smaller files, are not.
    max((tmp_path / "ranks").glob("*.ranks"), key=lambda path: path.stat().st_size).unlink()
    first, second = two(tmp_path)
    assert (first[0], second[0]) == (0, 0), (first, second)
    again = computed(first[2]) + computed(second[2])
    assert len(again) == len(alone) - 3 and computed(second[2])
    assert (tmp_path / "run-0002" / "results.parquet").read_bytes() == (run / "results.parquet").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 1])
def test_a_killed_process_ends_the_others_and_the_next_start_goes_on(one, tmp_path, number):
    shared = (f"--coordinator=127.0.0.1:{free_port()}", "--num_processes=2")
    own = [["--die-at=2"] if process == number else [] for process in range(2)]
    heard = ended([start(tmp_path, *shared, f"--process_id={process}", *own[process]) for process in range(2)])
    assert heard[number][0] == -signal.SIGKILL and heard[1 - number][0] not in (0, -signal.SIGKILL), heard
    assert not list(tmp_path.glob("run-[0-9][0-9][0-9][0-9]"))
    if number == 0:
        return
    ((status, _, stderr),) = ended([start(tmp_path)])
    assert status == 0 and "embed" not in stderr.replace("embeddings", ""), stderr
    assert (tmp_path / "run-0001" / "results.parquet").read_bytes() == (one[0] / "results.parquet").read_bytes()


@pytest.mark.slow
def test_processes_with_other_flags_are_refused_by_all(tmp_path):
    for status, _, stderr in two(tmp_path, "--csls_k=5"):
        assert status == 2 and "same" in stderr and "process 1" in stderr, stderr
    assert not [name for name in os.listdir(tmp_path) if name.startswith("run")]


def slurm(process: int, job: int) -> dict[str, str]:
    """What `srun --ntasks=2` sets on one node, for one of its tasks."""
    return dict(os.environ) | {
        "SLURM_JOB_ID": str(job), "SLURM_NTASKS": "2", "SLURM_PROCID": str(process), "SLURM_LOCALID": str(process),
        "SLURM_STEP_NODELIST": "localhost", "SLURM_STEP_NUM_NODES": "1",
    }  # fmt: skip


def test_slurm_names_the_processes(one, tmp_path):
    """`--coordinator=auto` alone joins the two tasks of a Slurm step, which share the pairs."""
    port = free_port()
    while port <= 65535 - 2**12:  # JAX takes the port from the number of the job
        port = free_port() % 2**12 + 65535 - 2**12 + 1
    job = port - (65535 - 2**12 + 1)
    command = [sys.executable, "-m", "tests.whole_run.processes_worker", *FLAGS, f"--workdir={tmp_path}",
               "--coordinator=auto"]  # fmt: skip
    first, second = ended([
        subprocess.Popen(command, cwd=ROOT, env=slurm(process, job), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         text=True) for process in range(2)
    ])  # fmt: skip
    assert (first[0], second[0]) == (0, 0), (first, second)
    assert sorted(computed(first[2]) + computed(second[2])) == one[1] and computed(first[2]) and computed(second[2])
    assert (tmp_path / "run-0001" / "results.parquet").read_bytes() == (one[0] / "results.parquet").read_bytes()


def test_auto_without_a_cluster_is_refused(tmp_path):
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SLURM", "OMPI", "TPU"))}
    command = [sys.executable, "-m", "jaxalign", "--coordinator=auto", f"--workdir={tmp_path / 'w'}"]
    done = subprocess.run(command, cwd=ROOT, env=clean, capture_output=True, text=True, timeout=200)
    assert done.returncode == 2 and "--coordinator=HOST:PORT" in done.stderr, done.stderr
