"""Candidates of a pair: their rows, the tiles within the memory budget, and ranks of the test rows."""

import numpy as np
import pytest

from jaxalign.alignment.reduced import AlignedPair, SeedPairs
from jaxalign.evaluation.candidates import Buffers, Candidates, choose_tiling
from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.evaluation.settings import Pairing
from jaxalign.reference import csls, unit_rows
from jaxalign.retrieval.csls import BLOCK

TEST = np.array([11, 2, 29, 7])
PAIRING = Pairing(SeedPairs(np.arange(1), np.arange(1)), TEST, TEST)


def factors(count, padded):
    """Unit rows of two languages, padded with zeros."""
    draw = np.random.default_rng(0)
    first = draw.standard_normal((count, 8))
    second = first + 0.7 * draw.standard_normal((count, 8))
    return AlignedPair(*(np.pad(unit_rows(part), ((0, padded - count), (0, 0))).astype(np.float32)
                         for part in (first, second)))  # fmt: skip


@pytest.mark.parametrize("retrieval", ["csls", "nn"])
@pytest.mark.parametrize("which", ["all", "test"])
def test_ranks_in_both_directions(retrieval, which):
    options = AlignmentOptions(candidates=which, retrieval=retrieval, csls_k=3)
    candidates = Candidates(30, TEST, [options], 1)
    rows = np.arange(30) if which == "all" else TEST
    assert candidates.rows.tolist() == rows.tolist()
    aligned = factors(len(rows), candidates.padded)
    cosine = np.asarray(aligned.source, float)[: len(rows)] @ np.asarray(aligned.target, float)[: len(rows)].T
    place = TEST if which == "all" else np.arange(4)
    (ranked,) = candidates.rank(aligned, PAIRING)
    for found, similarity in ((ranked.source_to_target, cosine), (ranked.target_to_source, cosine.T)):
        scores = (csls(similarity, 3) if retrieval == "csls" else similarity)[place]
        right = scores[np.arange(4), place][:, None]
        assert found[0].tolist() == (1 + (scores > right).sum(1)).tolist()
        scores[np.arange(4), place] = -np.inf  # `best` is the best wrong candidate or the right one
        assert ((found[0] > 1) <= np.isin(found[1], rows)).all()
        assert found[2].tolist() == [0] * 4


def test_answers_are_places_among_the_candidates():
    candidates = Candidates(30, TEST, [AlignmentOptions(candidates="test")], 1)
    turned = Pairing(PAIRING.seeds, TEST[::-1], TEST)
    assert candidates.answers(turned)[:, :4].tolist() == [[3, 2, 1, 0], [0, 1, 2, 3]]
    assert candidates.answers(turned)[0, 4:].tolist() == list(range(4, candidates.padded))


@pytest.mark.parametrize("budget", [1 << 20, 16 << 20, 4 << 30])
@pytest.mark.parametrize("rows", [3, 700, 5000])
def test_tiles_divide_the_padded_rows_and_follow_the_budget(rows, budget):
    options = AlignmentOptions(memory_budget=budget)
    padded, tiling = choose_tiling(rows, options, 2)
    assert padded >= rows and padded % tiling.tile == 0 and tiling.tile % BLOCK == 0
    assert padded - rows < tiling.tile + BLOCK * (padded // tiling.tile)
    assert not tiling.keep or padded**2 * 4 <= budget // 2
    assert choose_tiling(rows, options, 1)[1].gathered >= tiling.gathered


def test_a_buffer_is_used_again():
    buffers = Buffers(8)
    first, second = buffers.take(), buffers.take()
    assert first is not second and first.shape == (8, 8)
    buffers.give_back(first)
    assert buffers.take() is first
