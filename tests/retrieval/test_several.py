"""Several retrievals from one similarity: each has the ranks that it has alone, whatever stood in the memory before."""

from itertools import permutations

import numpy as np
import pytest

from jaxalign.retrieval import ranks, ranks_bfloat16
from jaxalign.retrieval.penalties import Tiling
from jaxalign.retrieval.several import rank_each

ROWS, PADDED = 90, 96


def given(seed):
    """Two planted sets of unit rows with their padding, and answers in both directions."""
    draw = np.random.default_rng(seed)
    first = draw.standard_normal((ROWS, 12))
    both = [first, first + 0.8 * draw.standard_normal((ROWS, 12))]
    pair = [np.pad(part / np.linalg.norm(part, axis=1, keepdims=True), ((0, PADDED - ROWS), (0, 0))) for part in both]
    return [part.astype(np.float32) for part in pair], [np.arange(PADDED, dtype=np.int32)] * 2


def buffer(keep):
    return np.full((PADDED, PADDED), 7.0, np.float32) if keep else None  # of another pair: none of it may be used


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("order", list(permutations(("csls", "nn", "isf")))[::2] + [("margin", "nn", "csls")])
def test_each_has_the_ranks_that_it_has_alone(order, fast, keep):
    pair, answers = given(3)
    tilings = [Tiling(name, 5, 48, keep, fast=fast) for name in order]
    together = [ranked[1:] for ranked in rank_each(buffer(keep), pair, answers, tilings, ROWS)]
    assert len(together) == 3
    for tiling, found in zip(tilings, together, strict=True):
        ranker = ranks_bfloat16.ranker(tiling)
        alone = ranker(buffer(keep), *pair, *answers, tiling=tiling, valid=ROWS)[1:]
        for one, other in zip(found, alone, strict=True):
            for part, expected in zip(one, other, strict=True):
                np.testing.assert_array_equal(np.asarray(part)[:ROWS], np.asarray(expected)[:ROWS])


def test_the_second_retrieval_multiplies_nothing():
    pair, answers = given(4)
    asked = dict(tiling=Tiling("nn", 5, 48, True), valid=ROWS)
    texts = [
        ranks.rank_both.lower(buffer(True), *pair, *answers, **asked, filled=filled).as_text()
        for filled in (False, True)
    ]
    assert ["dot_general" in text for text in texts] == [True, False]
