"""Equality of vectors up to the rounding of float32."""

import numpy as np


def assert_same(found, want, bound=2e-6):
    """No vector is further off than `bound` of its layer's mean length (float32 rounds by 6e-8 an operation)."""
    found, want = np.asarray(found, np.float64), np.asarray(want, np.float64)
    assert found.shape == want.shape
    length = np.linalg.norm(want, axis=-1).mean(axis=-1, keepdims=True)
    assert (np.linalg.norm(found - want, axis=-1) / length).max() <= bound
