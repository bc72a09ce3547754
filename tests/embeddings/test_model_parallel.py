"""Vectors through pmap (replicated weights) and through the mesh (split weights) are the same, on eight devices."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tiny import write_model

CODE = """
import sys
import numpy as np
import jax
from jaxalign import models
from jaxalign.embeddings import embed
assert jax.device_count() == 8
texts = ["dog", "dogma", "house cat", "chien", "犬", "a very long name for a very small thing"]
found = []
for parallel in (1, 2, 4):
    model = models.load_model(sys.argv[1], weights="random", model_parallel=parallel)
    found.append(embed.embed(model, texts, pooling="mean"))
    found.append(embed.embed(model, texts, pooling="last", layers="last"))
for parallel in (1, 2):
    for one, other in zip(found[:2], found[2 * parallel:]):
        assert np.abs(one - other).max() <= 1e-6 * np.abs(one).max(), np.abs(one - other).max() / np.abs(one).max()
assert np.abs(found[0][0] - found[0][-1]).max() > 0.1  # layers differ: the comparison can fail
"""


@pytest.mark.slow
def test_pmap_and_mesh_agree(tmp_path):
    model = write_model(tmp_path / "model")
    environment = os.environ | {"XLA_FLAGS": "--xla_force_host_platform_device_count=8", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", CODE, model],
        env=environment,
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
