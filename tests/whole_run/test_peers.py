"""Every contender of the benchmark gives the float64 reference's ranks, as deep as it knows them."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import kernels_table, peers
from tests.conftest import planted
from tests.reference import reference_bounds

NAMES = (
    "numpy_naive", "numpy_tuned", "scipy_naive", "torch_naive", "torch_tuned",
    "faiss_flat", "sklearn_brute", "muse", "muse_faiss", "vecmap",
)  # fmt: skip
NEEDS = {"scipy_naive": "scipy", "torch_naive": "torch", "torch_tuned": "torch", "faiss_flat": "faiss",
         "sklearn_brute": "sklearn", "muse": "torch", "muse_faiss": "faiss"}  # fmt: skip


def peer(name):
    """The contender, or a skip that names the missing library."""
    if name in NEEDS:
        pytest.importorskip(NEEDS[name], reason=f"{NEEDS[name]} is not installed")
    if name == "muse_faiss":
        pytest.importorskip("torch", reason="torch is not installed")
    return importlib.import_module(f"benchmarks.peers.{name}")


def spaces_of_peers():
    """Languages that share concepts up to a rotation and noise, with an offset that only centering removes."""
    return planted(5, 420, 24, noise=0.4, offset=0.2)


def bounds(task, setting, candidates):
    rows = task.vocabulary[task.queries]
    return reference_bounds(task.spaces, task.seed, rows, setting, candidates=candidates, tolerance=1e-6)


def compare(found, task, depth, candidates):
    pairs = ~np.eye(len(task.spaces), dtype=bool)
    cap = depth + 1 if depth else np.iinfo(np.int32).max
    for setting in task.settings:
        lowest, highest = (np.minimum(bound, cap)[pairs] for bound in bounds(task, setting, candidates))
        ranks = found[setting][pairs]
        assert ((lowest <= ranks) & (ranks <= highest)).all(), setting
        assert (lowest == highest).mean() > 0.99  # near ties are rare, or the comparison would prove nothing
    after = found["after"][pairs]
    assert 0.2 < (after == 1).mean() < 0.98  # neither trivial nor hopeless


@pytest.mark.parametrize("name", NAMES)
def test_ranks_among_the_test_set_are_those_of_the_reference(name):
    module, spaces = peer(name), spaces_of_peers()
    task = peers.Task(spaces, seed=np.arange(100), vocabulary=np.arange(100, 420), queries=np.arange(320))
    compare(module.run(task), task, module.DEPTH, "test")


@pytest.mark.parametrize("name", NAMES)
def test_few_queries_among_all_concepts(name):
    module, spaces = peer(name), spaces_of_peers()
    task = peers.Task(spaces, seed=np.arange(100), vocabulary=np.arange(420), queries=np.arange(100, 420, 7))
    compare(module.run(task), task, module.DEPTH, "all")


def test_tiles_of_torch_give_what_the_whole_matrix_gives(monkeypatch):
    module = peer("torch_tuned")
    spaces, queries = spaces_of_peers(), np.arange(0, 320, 3)
    task = peers.Task(spaces, seed=np.arange(100), vocabulary=np.arange(100, 420), queries=queries)
    whole = module.run(task)
    monkeypatch.setattr(module, "WHOLE_BYTES", 0)
    monkeypatch.setattr(module, "CHUNK", 64)
    tiled = module.run(task)
    assert all((whole[setting] == tiled[setting]).all() for setting in task.settings)


def test_blocks_hold_the_best_of_each_row():
    module = peer("numpy_tuned")
    rows = np.random.default_rng(0).normal(size=(7, 16 * 40 + 5)).astype(np.float32)
    rows[2, -5:] = 9  # the best stand in the cells after the last whole block
    rows[3, :64] = 1  # ties across blocks
    np.testing.assert_allclose(module.mean_of_best(rows, 10), np.sort(rows, 1)[:, -10:].mean(1), rtol=1e-6)


def test_bounds_of_one_direction_in_blocks_are_those_of_the_whole_similarity():
    """The sizes `vocabulary` and `dictionary` are checked this way."""
    from benchmarks.kernels_vs_peers import one_direction

    spaces = dict(list(spaces_of_peers().items())[:2])
    task = peers.Task(spaces, np.arange(100), np.arange(420), np.arange(100, 420, 7), settings=("after",))
    for made, want in zip(one_direction(task, 1e-6, block=64), bounds(task, "after", "all"), strict=True):
        np.testing.assert_array_equal(made[0, 1], want[0, 1])


def test_the_command_checks_then_times_and_writes_all_three_files(tmp_path):
    command = [sys.executable, "-m", "benchmarks.kernels_vs_peers", "--quick", "--repeats=1", f"--out={tmp_path}"]
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [*command, "--contenders=jaxalign_engine,numpy_tuned"],
        cwd=root, env=os.environ | {"PYTHONPATH": str(root)}, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "kernels_vs_peers.md").read_text().count("| 0, 0 |") == 2
    assert (tmp_path / "kernels_vs_peers.png").exists()
    kinds = [json.loads(line)["kind"] for line in (tmp_path / kernels_table.ROWS).read_text().splitlines()]
    assert kinds == ["check", "check", "first", "first", "time", "time"]


def timed(contender, run, seconds, timed_languages=7):
    row = dict.fromkeys(kernels_table.SHARED, 7) | {"settings": ["after"], "size": "small", "others": 0}
    row |= {
        "contender": contender,
        "run": run,
        "kind": "time",
        "seconds": seconds,
        "cpu_seconds": 1.0,
        "P@1 after": 0.5,
    }
    return row | {"timed_languages": timed_languages, "host_bytes": 1e9, "both_directions": True}


def test_ratios_are_taken_within_one_run_and_scaled_times_are_marked():
    ours = kernels_table.OURS
    rows = [timed(ours, "1", 2.0), timed("slow", "1", 6.0), timed("slow", "1", 8.0)]
    rows += [timed(ours, "2", 1.0), timed("slower", "2", 9.0, timed_languages=2)]
    found = {entry["contender"]: entry for entry in kernels_table.summarise(rows)}
    assert found["slow"]["ratio"] == 3.5
    assert found["slower"]["ratio"] == 9
    assert found[ours]["seconds"] == 1
    text = kernels_table.table("small", list(found.values()))
    assert "| slower | 9.00* |" in text and "| slow | 7.00 |" in text and "not checked" in text
