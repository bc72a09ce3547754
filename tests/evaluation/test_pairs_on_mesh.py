"""One device and eight give the same ranks; the one compiled call fits the budget and lowers for TPU."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from jaxalign.alignment import reduced
from jaxalign.alignment.procrustes import MapOptions
from jaxalign.evaluation import candidates, pairs, pairs_on_mesh
from jaxalign.evaluation.options import AlignmentOptions
from tests.conftest import narrow_products, planted


@pytest.mark.parametrize(("completion", "method"), [("drop", "svd"), ("identity", "polar")])
def test_eight_devices_give_what_one_gives(tmp_path, completion, method):
    found = {}
    for devices in (1, 8):
        path = tmp_path / f"{devices}.npz"
        environment = {**os.environ, "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}"}
        subprocess.run(
            [sys.executable, "-m", "tests.evaluation.mesh_worker", path, str(devices), completion, method],
            env=environment, check=True, cwd=Path(__file__).parents[2], timeout=300,
        )  # fmt: skip
        found[devices] = np.load(path)
    assert len(found[1].files) == 3
    for name in found[1].files:
        one, eight = found[1][name], found[8][name]
        assert (one[:2] != eight[:2]).mean() < 1e-3 and abs(one[0] - eight[0]).max() <= 1


def compiled(features, seeds, rows, budget, languages=3):
    """The call over all pairs, traced for shapes alone, and its tiling."""
    padded, tiling = candidates.choose_tiling(rows, AlignmentOptions(memory_budget=budget), 1)
    thin = reduced.is_thin(seeds, features, "drop")
    shape = lambda *size: jax.ShapeDtypeStruct(size, np.float32)  # noqa: E731
    whole = lambda *size: jax.ShapeDtypeStruct(size, np.int32)  # noqa: E731
    basis = seeds if thin else features
    stacked = reduced.ReducedSpace(shape(languages, seeds, basis), shape(languages, padded, basis))
    items = pairs_on_mesh.Items(whole(3, 2), whole(3, 2, seeds), whole(3, 2, padded))
    mesh = pairs_on_mesh.make_mesh(jax.devices()[:1])
    return pairs_on_mesh.rank_on.trace(mesh, stacked, items, tiling, rows, MapOptions("polar", "drop")), tiling


@pytest.mark.parametrize("rows", [500, 3000, 9000])
@pytest.mark.parametrize("budget", [64 << 20, 1 << 30])
def test_temporaries_stay_within_the_budget(rows, budget):
    traced, tiling = compiled(32, 64, rows, budget)
    used = traced.lower().compile().memory_analysis().temp_size_in_bytes
    assert used <= budget, (used, tiling)
    assert tiling.keep == ((rows + 400) ** 2 * 4 <= budget // 2)


def test_the_call_over_all_pairs_is_lowered_for_tpu():
    traced, _ = compiled(64, 40, 300, 1 << 30)
    text = traced.lower(lowering_platforms=("tpu",)).as_text()
    assert not narrow_products(text) and "HIGHEST" in text and "bf16" in text  # of the ranks, of the maps


def test_the_mesh_equals_the_threads(monkeypatch):
    spaces = planted(1, 100, 16)
    options = dict(seed=np.arange(40), test=np.arange(40, 100), settings=("before", "after", "ceiling_null"))
    threaded = pairs.rank(spaces, **options).tables
    monkeypatch.setattr(jax, "local_device_count", lambda: 2)
    for one, other in zip(threaded, pairs.rank(spaces, **options).tables, strict=True):
        assert (one.rank == other.rank).mean() > 0.998 and (one.best == other.best).mean() > 0.998
