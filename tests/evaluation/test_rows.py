"""Spaces and rows that do not fit together are refused before anything is computed."""

import numpy as np
import pytest

from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.evaluation.rows import Rows, check_spaces, checked_rows
from jaxalign.types import InputError

SPACES = {"en": np.ones((30, 4), np.float32), "fr": np.ones((30, 4), np.float32)}


def test_fitting_rows_are_int64():
    rows = checked_rows(SPACES, Rows(np.arange(10, dtype=np.int32), [12, 11]), AlignmentOptions())
    assert rows.seed.dtype == rows.test.dtype == np.int64 and rows.test.tolist() == [12, 11]


@pytest.mark.parametrize("seed, test, options, message", [
    ([], [1], {}, "seed as a vector of row indices"),
    ([0.5], [1], {}, "seed as a vector of row indices"),
    ([0], [30], {}, "test rows from 0 to 29"),
    ([-1], [2], {}, "seed rows from 0 to 29"),
    ([1, 1], [2], {}, "each seed row once"),
    ([1, 2], [2, 3], {}, "without a common one"),
    ([0], [1, 2], {"csls_k": 3, "candidates": "test"}, "--csls_k from 1 to 2"),
    ([0], [1, 2], {"seed_sizes": (2,)}, "--seed_sizes from 1 to 1"),
])  # fmt: skip
def test_rows_that_do_not_fit_are_refused(seed, test, options, message):
    with pytest.raises(InputError, match=message):
        checked_rows(SPACES, Rows(np.array(seed), np.array(test)), AlignmentOptions(**options))


def test_spaces_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="two or more languages"):
        check_spaces({"en": SPACES["en"]})
    with pytest.raises(InputError, match="one shape"):
        check_spaces(SPACES | {"fi": np.ones((29, 4))})
    wrong = SPACES["fr"].copy()
    wrong[7, 2] = np.nan
    with pytest.raises(InputError, match="in fr, row 7"):
        check_spaces(SPACES | {"fr": wrong})
