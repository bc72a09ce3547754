"""Mutual nearest neighbours under CSLS, against float64 NumPy."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxalign.reference import unit_rows
from jaxalign.retrieval.mutual import mutual_neighbours


@pytest.mark.parametrize(("rows", "columns"), [(50, 70), (900, 410), (401, 3)])
def test_pairs_equal_float64(rows, columns):
    draw = np.random.default_rng(rows)
    source, target = (unit_rows(draw.standard_normal((size, 20))) for size in (rows, columns))
    cells, k = source @ target.T, 4
    forward = (cells - np.sort(cells, 0)[-k:].mean(0) / 2).argmax(1)
    backward = (cells.T - np.sort(cells, 1)[:, -min(k, columns) :].mean(1) / 2).argmax(1)
    expected = [(row, column) for row, column in enumerate(forward) if backward[column] == row]
    found = mutual_neighbours(jnp.asarray(source, jnp.float32), jnp.asarray(target, jnp.float32), k)
    assert list(zip(found.source.tolist(), found.target.tolist(), strict=True)) == expected and expected
