"""Rows hold as many texts as fit: full where lengths allow, and each window begins where the one before ends."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from jaxalign.embeddings import row_layout


def test_rows_are_full_where_lengths_allow():
    """Sixteen slots hold 9 + 7 and 8 + 8, which the longest that still fits (9 + 6, 8 + 7) would leave open."""
    lengths = np.repeat([9, 8, 7, 6, 5], [30, 31, 30, 2, 2])
    order, starts = row_layout.packed(lengths, 16)
    assert sorted(order) == list(range(len(lengths)))
    filled = np.add.reduceat(lengths[order], starts[:-1])
    assert filled.max() <= 16 and (filled == 16).sum() >= 45 and len(filled) == 47


@given(st.lists(st.integers(1, 16), min_size=1, max_size=40), st.integers(16, 24))
def test_every_text_stands_in_one_row_that_holds_it(lengths, width):
    lengths = np.array(lengths)
    for causal in (False, True):
        order, starts = row_layout.lay_out(lengths, np.zeros_like(lengths), width, causal)
        assert sorted(order) == list(range(len(lengths))) and starts[-1] == len(lengths)
        assert (np.add.reduceat(lengths[order], starts[:-1]) <= width).all()


def test_a_window_repeats_the_path_of_its_first_text():
    """Texts of 4 tokens that share 3 with the one before: a row of 8 slots holds 4 + 1 + 1 + 1 + 1."""
    lengths, shared = np.full(10, 4), np.array([0] + [3] * 9)
    assert row_layout.windows(lengths, shared, 8).window_texts.tolist() == [0, 5, 10]
    assert row_layout.windows(lengths, shared, 4).window_texts.tolist() == list(range(11))
