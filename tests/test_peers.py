"""Every contender of the benchmark gives the float64 reference's ranks, as deep as it knows them."""

import importlib

import numpy as np
import pytest

from benchmarks import peers
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


def planted(concepts=420, features=24, languages=3, noise=0.8):
    """Languages that share concepts up to a rotation and noise, with an offset that only centering removes."""
    generator = np.random.default_rng(5)
    meaning = generator.normal(size=(concepts, features)) / np.arange(1, features + 1) ** 0.3
    spaces = {}
    for language in range(languages):
        rotation = np.linalg.qr(generator.normal(size=(features, features)))[0]
        vectors = meaning @ rotation + noise * meaning.std() * generator.normal(size=meaning.shape) + 0.2
        spaces[f"l{language}"] = vectors.astype(np.float32)
    return spaces


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
    module, spaces = peer(name), planted()
    task = peers.Task(spaces, seed=np.arange(100), vocabulary=np.arange(100, 420), queries=np.arange(320))
    compare(module.run(task), task, module.DEPTH, "test")


@pytest.mark.parametrize("name", NAMES)
def test_few_queries_among_all_concepts(name):
    module, spaces = peer(name), planted()
    task = peers.Task(spaces, seed=np.arange(100), vocabulary=np.arange(420), queries=np.arange(100, 420, 7))
    compare(module.run(task), task, module.DEPTH, "all")


def test_tiles_of_torch_give_what_the_whole_matrix_gives(monkeypatch):
    module = peer("torch_tuned")
    task = peers.Task(planted(), seed=np.arange(100), vocabulary=np.arange(100, 420), queries=np.arange(0, 320, 3))
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
