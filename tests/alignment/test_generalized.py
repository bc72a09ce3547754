"""Generalised Procrustes: two languages are plain Procrustes, more agree better than with a pivot."""

import numpy as np
import pytest

from jaxalign.alignment import generalized, procrustes
from jaxalign.types import InputError
from tests.conftest import turned


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
