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


@pytest.mark.parametrize(("completion", "method"), [
    ("drop", "svd"), pytest.param("identity", "polar", marks=pytest.mark.slow)])  # fmt: skip
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
    thin = reduced.is_thin(seeds, features, MapOptions("polar", "drop"))
    shape = lambda *size: jax.ShapeDtypeStruct(size, np.float32)  # noqa: E731
    whole = lambda *size: jax.ShapeDtypeStruct(size, np.int32)  # noqa: E731
    basis = seeds if thin else features
    stacked = reduced.ReducedSpace(shape(languages, seeds, basis), shape(languages, padded, basis))
    items = pairs_on_mesh.Items(whole(3, 2), whole(3, 2, seeds), whole(3, 2, padded))
    mesh = pairs_on_mesh.make_mesh(jax.devices()[:1])
    return pairs_on_mesh.rank_on.trace(mesh, stacked, items, (tiling,), rows, MapOptions("polar", "drop")), tiling


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.parametrize(("seeds", "options"), [  # 12: thin; 40: one map for all features
    (12, {}), (12, {"completion": "identity"}), (40, {"retrieval": "isf"}), (40, {"completion": "identity"}),
    (40, {"precision": "fast"}),
])  # fmt: skip
def test_batches_of_pairs_equal_pair_by_pair(monkeypatch, seeds, options):
    """This CPU taken for an accelerator: the same products, as many pairs at once as fit."""
    spaces = planted(1, 90, 24, languages=4)
    asked = dict(seed=np.arange(seeds), test=np.arange(40, 90), settings=("before", "after", "null"), **options)
    single = pairs.rank(spaces, procrustes="polar", **asked).tables
    sizes = []
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    batching = pairs_on_mesh.batching
    monkeypatch.setattr(pairs_on_mesh, "batching", lambda *args: sizes.append(batching(*args)) or sizes[-1])
    for one, other in zip(single, pairs.rank(spaces, **asked).tables, strict=True):
        assert (one.rank == other.rank).mean() > 0.995 and np.abs(one.rank - other.rank).max() <= 1
        assert (one.best == other.best).mean() > 0.995
    devices, single = jax.local_device_count(), options.get("precision") == "fast"
    for count, found in zip((6, 12), sizes, strict=False):
        share = -(-count // devices)
        assert found == (share * devices, 1 if single else share)
    assert len(sizes) == 2


def shapes(languages, rows, features, seeds=None):
    """The stacked spaces of `languages` as shapes."""
    shape = lambda *size: jax.ShapeDtypeStruct(size, np.float32)  # noqa: E731
    seeds = None if seeds is None else shape(languages, seeds, features)
    return reduced.ReducedSpace(seeds, shape(languages, rows, features))


@pytest.mark.parametrize("platform", ["tpu", "gpu", "cpu"])
@pytest.mark.parametrize(("rows", "features"), [(2000, 300), (4400, 1024), (4400, 4096)])
@pytest.mark.parametrize("devices", [1, 4, 8])
def test_batches_fit_the_budget_and_hold_every_pair(platform, rows, features, devices):
    tiling, budget = candidates.choose_tiling(rows, AlignmentOptions(), 1).tiling, 1 << 30
    stacked = shapes(7, rows, features, 1500)
    items, at_once = pairs_on_mesh.batching(42, devices, stacked, tiling, budget, platform)
    assert items >= 42 and items % (devices * at_once) == 0
    assert items - 42 < devices * (1 + items // devices // at_once)  # less than one per step is added
    assert at_once == 1 or at_once * pairs_on_mesh.bytes_of_item(stacked, tiling) <= budget
    if platform == "cpu" or features == 4096:
        assert at_once == 1
    if platform == "tpu":
        assert at_once * rows**2 * 4 <= pairs_on_mesh.ON_CHIP
    if platform == "gpu" and features < 4096:
        assert at_once > 1


def test_one_pair_at_once_where_none_fits():
    stacked, tiling = shapes(3, 9000, 300, 500), candidates.choose_tiling(9000, AlignmentOptions(), 1).tiling
    assert pairs_on_mesh.batching(5, 2, stacked, tiling, 1, "gpu") == (6, 1)


@pytest.mark.parametrize(("rows", "seeds"), [(112, None), (720, 30)])
@pytest.mark.parametrize("retrievals", [["csls"], ["csls", "nn"]])
def test_the_estimate_bounds_what_the_compiler_takes(rows, seeds, retrievals):
    """Temporaries of four pairs at once, by the compiler of this CPU."""
    asked = [AlignmentOptions(retrieval=name) for name in retrievals]
    tilings = tuple(candidates.choose_tiling(rows, options, 1).tiling for options in asked)
    stacked = shapes(3, rows, 48, seeds)
    whole = lambda *size: jax.ShapeDtypeStruct(size, np.int32)  # noqa: E731
    items = pairs_on_mesh.Items(whole(4, 2), whole(4, 2, seeds or 0), whole(4, 2, rows))
    mesh = pairs_on_mesh.make_mesh(jax.devices()[:1])
    how = tilings, rows, MapOptions("polar", "drop"), 4
    compiled = pairs_on_mesh.rank_on.lower(mesh, stacked, items, *how).compile()
    assert compiled.memory_analysis().temp_size_in_bytes <= 4 * pairs_on_mesh.bytes_of_item(stacked, tilings[0])
