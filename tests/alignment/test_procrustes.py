"""Orthogonal maps against their float64 definitions: whole, partial, completed, by products."""

import jax
import numpy as np
import pytest

from jaxalign.alignment import procrustes
from jaxalign.reference import procrustes as reference_map
from tests.conftest import narrow_products, turned


@pytest.mark.parametrize("method", ["svd", "polar"])
@pytest.mark.parametrize("reflect", [False, True])
@pytest.mark.parametrize("features", [1, 2, 33, 300])
def test_planted_rotations_and_reflections_are_recovered(method, reflect, features):
    source, target, rotation = turned(features, 2 * features + 3, features, reflect=reflect)
    found = np.asarray(procrustes.rotation(source, target, method=method))
    assert np.abs(found - rotation).max() < 1e-4
    assert np.abs(found.T @ found - np.eye(features)).max() < 1e-5
    assert np.sign(np.linalg.det(found)) == (-1 if reflect else 1)


@pytest.mark.parametrize("method", ["svd", "polar"])
def test_noisy_maps_equal_float64_and_are_orthogonal(method):
    source, target, _ = turned(0, 400, 128, noise=1.0)
    found = np.asarray(procrustes.rotation(source, target, method=method))
    assert np.abs(found - reference_map(source.astype(float), target.astype(float))).max() < 2e-4
    assert np.abs(found.T @ found - np.eye(128)).max() < 1e-5


@pytest.mark.parametrize("method", ["svd", "polar"])
@pytest.mark.parametrize("completion", ["drop", "identity"])
@pytest.mark.parametrize("seeds", [1, 5, 40, 59, 60, 61])
def test_undetermined_maps_equal_their_definition(method, completion, seeds):
    source, target, _ = turned(seeds, seeds, 60, noise=0.3)
    if seeds > 2:  # the mean of all rows is gone: one dimension less than there are rows
        source, target = (rows - rows.mean(0) for rows in (source, target))
    found = np.asarray(procrustes.rotation(source, target, method=method, completion=completion))
    # centering in float32 leaves values near 1e-7, which the definition must not take for directions
    exact = [rows.astype(float) - rows.astype(float).mean(0) * (seeds > 2) for rows in (source, target)]
    expected = reference_map(*exact, completion)
    assert np.abs(found - expected).max() < 3e-3
    gram = found.T @ found
    assert np.abs(gram @ gram - gram).max() < 1e-5
    if completion == "identity":
        assert np.abs(gram - np.eye(60)).max() < 1e-5
    else:
        assert round(float(np.trace(gram))) == min(seeds - (seeds > 2), 60)


@pytest.mark.parametrize("method", ["svd", "polar"])
def test_identity_completion_is_the_limit_of_a_small_multiple_of_the_identity(method):
    source, target, _ = turned(3, 12, 30, noise=0.2)
    source, target = source.astype(float), target.astype(float)
    left, _, right = np.linalg.svd(source.T @ target + 1e-9 * np.eye(30))
    found = procrustes.rotation(source, target, method=method, completion="identity")
    assert np.abs(np.asarray(found) - left @ right).max() < 1e-4


@pytest.mark.parametrize("method", ["svd", "polar"])
def test_identity_map_of_the_same_subspace_touches_nothing_else(method):
    rng = np.random.default_rng(0)
    base = np.linalg.qr(rng.standard_normal((20, 6)))[0].astype(np.float32)
    turn = np.linalg.qr(rng.standard_normal((6, 6)))[0].astype(np.float32)
    found = np.asarray(procrustes.identity_map(np.eye(20, dtype=np.float32), base, base @ turn, method))
    expected = np.eye(20) - base @ base.T + base @ turn.T @ base.T
    assert np.abs(found - expected).max() < 1e-5


@pytest.mark.parametrize("method", ["svd", "polar"])
def test_the_fit_is_compiled_for_tpu(method):
    shape = jax.ShapeDtypeStruct((40, 64), np.float32)
    text = procrustes.rotation.trace(shape, shape, method=method).lower(lowering_platforms=("tpu",)).as_text()
    assert not narrow_products(text)
