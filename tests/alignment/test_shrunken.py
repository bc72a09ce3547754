"""Shrunken Procrustes against float64 NumPy, from the plain map to none, with many seeds and with few."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxalign.alignment import shrunken
from jaxalign.alignment.shrunken import Shrinking
from jaxalign.reference import procrustes, unit_rows
from jaxalign.types import InputError

DRAW = np.random.default_rng(3)


def reference(seeds, images, shrinkage):
    """The polar factor of X'Y + lambda s I, float64."""
    product = seeds.T.astype(float) @ images
    left, values, right = np.linalg.svd(product + shrinkage * np.linalg.norm(product, 2) * np.eye(len(product)))
    return left @ right


def spaces(rows, features):
    first = DRAW.standard_normal((rows, features))
    second = first + 0.7 * DRAW.standard_normal((rows, features))
    return first.astype(np.float32), second.astype(np.float32)


@pytest.mark.parametrize("method", ["svd", "polar"])
@pytest.mark.parametrize(("seeds", "features"), [(60, 12), (12, 12), (10, 40), (4, 40)])
@pytest.mark.parametrize("shrinkage", [0.01, 0.3, 3.0])
def test_cosines_equal_float64(method, seeds, features, shrinkage):
    first, second = spaces(80, features)
    source, target = unit_rows(first), unit_rows(second)
    found = shrunken.align(
        jnp.asarray(source, jnp.float32), jnp.asarray(target, jnp.float32), first[:seeds], second[:seeds], shrinkage,
        Shrinking(method),
    )  # fmt: skip
    # By products s is a bound that is up to size^(1/64) times the largest value.
    product = jnp.asarray(first[:seeds].T @ second[:seeds])
    weight = float(shrunken.largest_value(product, method) / np.linalg.norm(product, 2))
    expected = unit_rows(source @ reference(first[:seeds], second[:seeds], shrinkage * weight)) @ target.T
    bound = 2e-6
    assert np.abs(np.asarray(found.source) @ np.asarray(found.target).T - expected).max() < bound


@pytest.mark.parametrize(("seeds", "features"), [(60, 12), (10, 40)])
def test_the_ends_are_the_plain_map_and_no_map(seeds, features):
    first, second = spaces(70, features)
    source, target = (jnp.asarray(unit_rows(rows), jnp.float32) for rows in (first, second))
    none = shrunken.align(source, target, first[:seeds], second[:seeds], np.inf, Shrinking())
    assert none.source is source and none.target is target
    turn = procrustes(first[:seeds].astype(float), second[:seeds].astype(float))
    expected = unit_rows(np.asarray(source) @ turn) @ unit_rows(np.asarray(target) @ turn.T @ turn).T
    plain = shrunken.align(source, target, first[:seeds], second[:seeds], 0.0, Shrinking())
    assert np.abs(np.asarray(plain.source) @ np.asarray(plain.target).T - expected).max() < 1e-5
    limit = shrunken.align(source, target, first[:seeds], second[:seeds], 0.0, Shrinking(completion="identity"))
    near = unit_rows(np.asarray(source) @ reference(first[:seeds], second[:seeds], shrunken.LIMIT))
    assert np.abs(np.asarray(limit.source) @ np.asarray(limit.target).T - near @ np.asarray(target).T).max() < 5e-3


def test_a_wrong_grid_is_refused():
    for grid in ((), (0.1, 0.0), (-1.0, 0.0), (0.0, 0.0), (float("nan"),)):
        with pytest.raises(InputError, match="--shrinkage"):
            shrunken.check_grid(grid)
