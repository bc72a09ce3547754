"""The store: finished spaces are kept, interrupted ones continued, damaged ones made again, always the same bytes."""

import os
import random
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from jaxalign import models
from jaxalign.embeddings import embed, prompts, vector_store
from jaxalign.types import InputError
from tests import tiny

ROOT = Path(__file__).resolve().parents[2]
WORKER = "tests.embeddings.embed_worker"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny.write_model(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(scope="module")
def reference(folder, tmp_path_factory):
    """A store made without interruption by one process with one device."""
    root = tmp_path_factory.mktemp("reference") / "store"
    subprocess.run(worker(folder, root), env=environment(1), check=True, timeout=240)
    return root


def worker(folder, root, *more):
    return [sys.executable, "-m", WORKER, str(folder), str(root), *map(str, more)]


def environment(devices):
    flags = f"--xla_force_host_platform_device_count={devices}"
    return {
        **os.environ,
        "XLA_FLAGS": flags,
        "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
    }


def leaves(root):
    """Bytes of every array file below a store, by path (Orbax's own metadata hold times)."""
    return {
        file.relative_to(root): file.read_bytes() for file in root.rglob("*")
        if file.is_file() and (file.parent.parent.parent.name == "chunks" or file.suffix == ".npz")
    }  # fmt: skip


def commits(root):
    return {file: file.stat().st_mtime_ns for file in root.glob("*/*/chunks/*.json")}


def vectors(root, folder):
    """Everything that a store holds, read through the public function; nothing is computed."""
    spaces = embed.spaces(
        models.load_model(folder, weights="random", seed=3), tiny.concepts(12),
        embed.SpaceOptions(
            embeddings=("vanilla", "prompt"), poolings=("last", "mean"), templates={"paper": prompts.load()["paper"]},
            layers=[1, 3],
        ), store_root=root,
    )  # fmt: skip
    return {(space.label, language): space.vectors[language] for space in spaces for language in space.vectors}


@pytest.mark.slow
def test_killed_at_any_moment_the_run_ends_with_the_same_bytes(folder, reference, tmp_path):
    total = len(commits(reference))
    assert total >= 4
    rng, root = random.Random(5), tmp_path / "store"
    for wanted in (1, total // 2):
        with subprocess.Popen(worker(folder, root), env=environment(1), stderr=subprocess.DEVNULL) as process:
            while process.poll() is None and len(commits(root)) < wanted:
                time.sleep(0.005)
            time.sleep(rng.random() * 0.1)
            process.send_signal(signal.SIGKILL)
        kept = commits(root)
    subprocess.run(worker(folder, root), env=environment(1), check=True, timeout=240)
    after = commits(root)
    assert all(after[file] == made for file, made in kept.items()), "a committed chunk was made again"
    assert leaves(root) == leaves(reference)


@pytest.mark.slow
def test_eight_devices_and_two_processes_give_the_same_vectors(folder, reference, tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    two = [
        subprocess.Popen(worker(folder, tmp_path / "two", address, 2, i), env=environment(1), stdout=subprocess.PIPE)
        for i in range(2)
    ]
    try:
        assert all(process.communicate(timeout=200)[0].endswith(b"devices 2\n") for process in two)
    finally:
        for process in two:
            process.kill()
    subprocess.run(worker(folder, tmp_path / "eight"), env=environment(8), check=True, timeout=240)
    one = vectors(reference, folder)
    for other in (vectors(tmp_path / "two", folder), vectors(tmp_path / "eight", folder)):
        for key, want in one.items():
            length = np.linalg.norm(want, axis=-1).mean()
            assert np.linalg.norm(other[key] - want, axis=-1).max() <= 1e-6 * length


@pytest.fixture
def made(folder, tmp_path):
    """A function that makes (or finds) a small vanilla space and says which chunks it wrote."""
    model = models.load_model(folder, weights="random", seed=3)
    root = tmp_path / "store"

    def make(**options):
        before = commits(root)
        options = {"layers": [1, 2], "poolings": ("last", "mean"), **options}
        spaces = embed.spaces(model, tiny.concepts(), embed.SpaceOptions(**options), store_root=root)
        held = {space.label: dict(space.vectors) for space in spaces}
        return held, {file for file, when in commits(root).items() if before.get(file) != when}

    return make, root


def test_finished_is_never_made_again_and_serves_its_parts(made):
    make, root = made
    whole, written = make()
    assert written and make()[1] == set()
    part, again = make(layers=[2], poolings=("mean",))
    assert not again
    for label, by_language in part.items():
        for language, found in by_language.items():
            np.testing.assert_array_equal(found, whole[label][language])
    assert make(layers=[3])[1] and make(special_tokens="include")[1]


def test_private_to_the_owner(made):
    make, root = made
    make()
    assert stat.S_IMODE(root.stat().st_mode) == 0o700


@pytest.mark.parametrize("victim", ["*/*/chunks/00000/002/0.0", "*/*/index.npz", "*/*/manifest.json"])
@pytest.mark.parametrize("harm", ["flip", "cut", "remove"])
def test_damage_is_found_and_repaired(made, victim, harm, caplog):
    make, root = made
    whole, _ = make()
    (file,) = root.glob(victim)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0xFF
    if harm == "remove":
        file.unlink()
    else:
        file.write_bytes(data if harm == "flip" else data[: len(data) // 2])
    repaired, _ = make()
    assert "damaged" in caplog.text or "manifest" in victim
    for label, by_language in repaired.items():
        for language, found in by_language.items():
            np.testing.assert_array_equal(found, whole[label][language])


def test_an_absent_layer_is_named(made):
    make, root = made
    make()
    (manifest,) = root.glob("*/*/manifest.json")
    with pytest.raises(InputError, match="--layers"):
        vector_store.read_layer(vector_store.find(manifest.parent), 0)
