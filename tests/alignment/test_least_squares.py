"""Least squares and ridge against their normal equations in float64."""

import numpy as np
import pytest

from jaxalign.alignment import least_squares
from tests.conftest import turned


@pytest.mark.parametrize("ridge", [0.0, 0.1])
def test_least_squares_equals_float64(ridge):
    source, target, _ = turned(1, 80, 12, noise=0.5)
    gram = source.astype(float).T @ source
    gram += ridge * np.trace(gram) / 12 * np.eye(12)
    expected = np.linalg.solve(gram, source.astype(float).T @ target)
    assert np.abs(least_squares.fit(source, target, ridge) - expected).max() < 1e-4
