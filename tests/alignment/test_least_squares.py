"""Least squares and ridge against their normal equations in float64."""

import jax
import numpy as np
import pytest

from jaxalign.alignment import least_squares
from jaxalign.evaluation import pairs
from tests.conftest import planted, turned


@pytest.mark.parametrize("ridge", [0.0, 0.1])
def test_least_squares_equals_float64(ridge):
    source, target, _ = turned(1, 80, 12, noise=0.5)
    gram = source.astype(float).T @ source
    gram += ridge * np.trace(gram) / 12 * np.eye(12)
    expected = np.linalg.solve(gram, source.astype(float).T @ target)
    for fit in (least_squares.fit, least_squares.fit_on_host):
        assert np.abs(fit(source, target, ridge) - expected).max() < 1e-4


@pytest.mark.parametrize("fit", [least_squares.fit, least_squares.fit_on_host])
def test_fewer_seeds_than_features_take_the_shortest_map(fit):
    source, target, _ = turned(1, 9, 12, noise=0.5)
    expected = np.linalg.pinv(source.astype(float)) @ target
    assert np.abs(fit(source, target) - expected).max() < 1e-4


@pytest.mark.parametrize("fit", [least_squares.fit, least_squares.fit_on_host])
def test_directions_that_hold_only_rounding_are_left_out(fit):
    source, target, _ = turned(1, 90, 6, noise=0.5)
    wide = np.random.default_rng(0).standard_normal((6, 20))
    seeds = (source @ wide).astype(np.float32)
    expected = np.linalg.pinv(source.astype(float) @ wide, rcond=1e-6) @ target
    assert np.abs(fit(seeds, target) - expected).max() < 1e-4


@pytest.mark.parametrize("options", [{"map": "least_squares", "translate": True}, {"map": "ridge"}])
def test_an_accelerator_has_the_ranks_of_the_cpu(monkeypatch, options):
    """This CPU taken for an accelerator: the map comes from the host, and no decomposition is in the program."""
    spaces = planted(1, 90, 16)
    asked = dict(seed=np.arange(40), test=np.arange(40, 90), settings=("after", "null"), **options)
    own = pairs.rank(spaces, **asked).tables
    called = []
    fit_on_host = least_squares.fit_on_host
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    monkeypatch.setattr(least_squares, "fit_on_host", lambda *args: called.append(1) or fit_on_host(*args))
    monkeypatch.setattr(least_squares, "fit", None)
    for one, other in zip(own, pairs.rank(spaces, **asked).tables, strict=True):
        assert (one.rank == other.rank).mean() > 0.995 and np.abs(one.rank - other.rank).max() <= 1
    assert len(called) == 12  # three pairs, two directions, two settings
