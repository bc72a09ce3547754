"""Distinct token rows and their common beginnings, against Python's own sort."""

from itertools import takewhile

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxalign.embeddings import prefix_tree, tokenize

ROWS = st.lists(st.lists(st.integers(0, 3) | st.just(70000), min_size=1, max_size=7), min_size=1, max_size=12)


def common(a, b):
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(a, b, strict=False)))


@settings(max_examples=80, deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=3), st.booleans())
def test_rows_are_those_of_a_plain_sort(lists, repeated):
    parts = [tokenize.from_rows(rows) for rows in lists]
    if repeated:  # two poolings of the same texts
        lists, parts = lists + lists, parts + parts
    want = sorted({tuple(row) for rows in lists for row in rows})
    rows, where = prefix_tree.distinct(parts)
    found = [tuple(rows.ids[begin:][:length]) for begin, length in zip(rows.begin, rows.lengths, strict=True)]
    assert found == want
    assert rows.common.tolist() == [0, *(common(a, b) for a, b in zip(want, want[1:], strict=False))]
    for each, numbers in zip(lists, where, strict=True):
        assert [want[number] for number in numbers] == [tuple(row) for row in each]


@settings(max_examples=40, deadline=None)
@given(ROWS, st.randoms(use_true_random=False))
def test_own_tokens_stand_in_the_order_asked_for(lists, random):
    rows, _ = prefix_tree.distinct([tokenize.from_rows(lists)])
    want = sorted({tuple(row) for row in lists})
    order = random.sample(range(len(want)), len(want))
    shared = np.array([random.randrange(len(want[i])) for i in order])
    ids, offsets = prefix_tree.own_tokens(rows, np.array(order), shared)
    found = [tuple(ids[a:b]) for a, b in zip(offsets, offsets[1:], strict=False)]
    assert found == [want[i][skip:] for i, skip in zip(order, shared, strict=True)]


def test_no_text_has_no_rows():
    rows, (where,) = prefix_tree.distinct([tokenize.from_rows([])])
    assert len(rows.begin) == len(where) == 0
