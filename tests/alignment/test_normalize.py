"""Normalisation against float64, for numbers of any size."""

import numpy as np
import pytest

from jaxalign.alignment.normalize import first_equal_rows, normalize, parse_steps
from jaxalign.reference import normalize as reference_normalize
from jaxalign.types import InputError


@pytest.mark.parametrize("steps", [("unit", "center", "unit"), ("center",), ()])
def test_normalisation_equals_float64(steps):
    vectors = np.random.default_rng(0).standard_normal((50, 9)).astype(np.float32) + 3
    vectors[4] = 0
    assert np.abs(normalize(vectors, steps) - reference_normalize(vectors, steps)).max() < 1e-5


def test_steps_are_read_once():
    assert parse_steps(("none",)) == parse_steps(()) == () and parse_steps(["unit", "center"]) == ("unit", "center")
    for wrong in (("whiten",), ("none", "unit")):
        with pytest.raises(InputError, match="Expected .* got"):
            parse_steps(wrong)


def test_first_equal_rows_names_the_first_of_each_vector():
    rows = np.array([[1, 2], [0, 0], [1, 2], [-0.0, 0], [2, 1], [1, 2]], np.float32)
    assert first_equal_rows(rows).tolist() == [0, 1, 0, 1, 4, 0]
    wide = np.random.default_rng(0).standard_normal((300, 40)).astype(np.float32)
    wide[7::3] = wide[2]
    expected = [int(np.flatnonzero((wide == row).all(1))[0]) for row in wide]
    assert first_equal_rows(wide).tolist() == expected
