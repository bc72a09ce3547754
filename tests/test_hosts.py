"""Two processes of one run on this machine give the figures of one process."""

import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FLAGS = ["--flagfile=benchmarks/quickstart.flags", "--languages=en,fr", "--embeddings=vanilla", "--retrieval=csls",
         "--settings=before,after", "--bootstrap=0"]  # fmt: skip


def start(workdir: Path, *flags: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "jaxalign.bench", *FLAGS, f"--workdir={workdir}", *flags]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_two_processes_give_the_figures_of_one(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    shared = (f"--coordinator=127.0.0.1:{port}", "--num_processes=2")
    both = [start(tmp_path / "two", *shared, f"--process_id={number}") for number in range(2)]
    heard = [process.communicate(timeout=240) for process in both]
    assert [process.returncode for process in both] == [0, 0], heard
    one = start(tmp_path / "one")
    assert one.wait(timeout=240) == 0, one.communicate()
    results = [(tmp_path / name / "run-0001" / "results.jsonl").read_text() for name in ("one", "two")]
    assert results[0] == results[1]
    assert "P@1" not in heard[1][0]  # only the first process reports
