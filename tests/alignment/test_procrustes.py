"""Maps against their float64 definitions: orthogonal, partial, completed, by products, generalised."""

import jax
import numpy as np
import pytest

from jaxalign.alignment import completion as completion_module
from jaxalign.alignment import generalized, procrustes
from jaxalign.reference import normalize as reference_normalize
from jaxalign.reference import procrustes as reference_map
from jaxalign.types import InputError


def turned(seed, seeds, features, noise=0.0, reflect=False):
    """(source, target, rotation): target is the source turned, with noise; float32."""
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.standard_normal((features, features)))[0]
    if (np.linalg.det(rotation) < 0) != reflect:
        rotation[:, 0] *= -1
    source = rng.standard_normal((seeds, features))
    target = source @ rotation + noise * rng.standard_normal((seeds, features))
    return source.astype(np.float32), target.astype(np.float32), rotation


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


def test_identity_completion_is_the_limit_of_a_small_multiple_of_the_identity():
    source, target, _ = turned(3, 12, 30, noise=0.2)
    source, target = source.astype(float), target.astype(float)
    left, _, right = np.linalg.svd(source.T @ target + 1e-9 * np.eye(30))
    assert np.abs(np.asarray(procrustes.rotation(source, target, completion="identity")) - left @ right).max() < 1e-4


def test_identity_map_of_the_same_subspace_touches_nothing_else():
    rng = np.random.default_rng(0)
    base = np.linalg.qr(rng.standard_normal((20, 6)))[0].astype(np.float32)
    turn = np.linalg.qr(rng.standard_normal((6, 6)))[0].astype(np.float32)
    found = np.asarray(completion_module.identity_map(np.eye(20, dtype=np.float32), base, base @ turn))
    expected = np.eye(20) - base @ base.T + base @ turn.T @ base.T
    assert np.abs(found - expected).max() < 1e-5


@pytest.mark.parametrize("steps", [("unit", "center", "unit"), ("center",), ()])
def test_normalisation_equals_float64(steps):
    vectors = np.random.default_rng(0).standard_normal((50, 9)).astype(np.float32) + 3
    vectors[4] = 0
    assert np.abs(procrustes.normalize(vectors, steps) - reference_normalize(vectors, steps)).max() < 1e-5


@pytest.mark.parametrize("ridge", [0.0, 0.1])
def test_least_squares_equals_float64(ridge):
    source, target, _ = turned(1, 80, 12, noise=0.5)
    gram = source.astype(float).T @ source
    gram += ridge * np.trace(gram) / 12 * np.eye(12)
    expected = np.linalg.solve(gram, source.astype(float).T @ target)
    assert np.abs(procrustes.least_squares(source, target, ridge) - expected).max() < 1e-4


def test_polar_steps_take_every_value_to_one():
    values = np.geomspace(1e-7, 1, 10_000)
    for a, b, c in procrustes.polar_steps():
        values = a * values + b * values**3 + c * values**5
    assert np.abs(values - 1).max() < 1e-9


def test_two_languages_generalise_to_procrustes():
    source, target, _ = turned(2, 90, 20, noise=0.4)
    first, second = generalized.rotations([source, target])
    assert np.abs(first - np.eye(20)).max() == 0
    assert np.abs(second - np.asarray(procrustes.rotation(target, source))).max() < 1e-4


def test_generalised_rotations_agree_more_than_a_pivot():
    rng = np.random.default_rng(0)
    hidden = rng.standard_normal((120, 15))
    spaces = [
        hidden @ np.linalg.qr(rng.standard_normal((15, 15)))[0] + rng.standard_normal((120, 15)) for _ in range(4)
    ]
    spaces = [space.astype(np.float32) for space in spaces]
    maps = generalized.rotations(spaces)
    pivot = [np.asarray(procrustes.rotation(space, spaces[0])) for space in spaces]

    def agreement(turns):
        return np.square(sum(space @ turn for space, turn in zip(spaces, turns, strict=True))).sum()

    assert agreement(maps) > agreement(pivot)
    assert all(np.abs(turn.T @ turn - np.eye(15)).max() < 1e-5 for turn in maps)
    with pytest.raises(InputError, match="two or more"):
        generalized.rotations(spaces[:1])


@pytest.mark.parametrize("method", ["svd", "polar"])
def test_the_fit_is_compiled_for_tpu(method):
    shape = jax.ShapeDtypeStruct((40, 64), np.float32)
    text = procrustes.rotation.trace(shape, shape, method=method).lower(lowering_platforms=("tpu",)).as_text()
    assert "HIGHEST" in text
