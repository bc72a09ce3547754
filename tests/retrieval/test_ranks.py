"""Ranks of given factors against a plain float64 count: sizes, widths, ties, duplicates, hubs, near ties."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxalign.evaluation import candidates
from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.retrieval import csls, ranks
from jaxalign.retrieval.counting import Ranked
from jaxalign.retrieval.penalties import RETRIEVALS, Tiling
from tests.retrieval.scored_pairs import NEAR, bounds, pair


def ranked(source, target, tiling, answers=None, answers_back=None):
    """(rank, best, ties) of the rows, and of the columns, as NumPy."""
    rows, padded = len(source), -(-len(source) // tiling.tile) * tiling.tile
    below = ((0, padded - rows), (0, 0))
    marks = [np.arange(padded, dtype=np.int32) for _ in range(2)]
    for mark, given_ in zip(marks, (answers, answers_back), strict=True):
        mark[:rows] = mark[:rows] if given_ is None else given_
    buffer = np.zeros((padded, padded), np.float32) if tiling.keep else None
    found = ranks.rank_both(buffer, np.pad(source, below), np.pad(target, below), *marks, tiling=tiling, valid=rows)[1:]
    return [Ranked(*(np.asarray(part)[:rows] for part in one)) for one in found]


def compare(source, target, tiling, answers=None):
    """Both directions lie in their bounds; the share of queries whose near ties leave a choice."""
    rows = len(source)
    answers = np.arange(rows) if answers is None else answers
    back = np.argsort(answers)
    loose = []
    for found, one, other, marks in zip(
        ranked(source, target, tiling, answers, back), (source, target), (target, source), (answers, back), strict=True
    ):
        lowest, highest = bounds(one, other, tiling, marks, NEAR)
        assert ((found.rank >= lowest) & (found.rank <= highest)).all()
        assert (found.ties >= 0).all() and (found.ties <= highest - 1).all()
        assert ((found.best == marks) <= (found.rank == 1)).all()
        loose.append((lowest != highest).mean())
    return max(loose)


@pytest.mark.parametrize("retrieval", RETRIEVALS)
@pytest.mark.parametrize(("keep", "maxima"), [(True, True), (False, True), (False, False)])
@pytest.mark.parametrize("rows", [45, 352])
def test_both_directions_equal_float64(retrieval, keep, maxima, rows):
    tiling = Tiling(retrieval, k=7, tile=48, keep=keep, maxima=maxima)
    source, target = pair(rows, rows, 30)
    answers = np.random.default_rng(rows).permutation(rows)
    assert compare(source, target, tiling) < 0.05
    assert compare(source, target, tiling, answers) < 0.05


@pytest.mark.parametrize("kind", ["hubs", "duplicates", "same"])
@pytest.mark.parametrize(("keep", "maxima"), [(True, True), (False, True), (False, False)])
def test_hubs_duplicates_and_ties(kind, keep, maxima):
    tiling = Tiling("csls", k=10, tile=64, keep=keep, maxima=maxima)
    source, target = pair(1, 400, 12, kind)
    loose = compare(source, target, tiling)
    forth, _ = ranked(source, target, tiling)
    if kind == "duplicates":
        assert loose > 0.9 and (forth.ties >= 1).mean() > 0.9
    if kind == "same":
        assert (forth.rank == 1).all() and (forth.ties == 399).all()


@pytest.mark.parametrize("features", [1, 2, 1024, 4096])
def test_any_width(features):
    source, target = pair(2, 160, features)
    assert compare(source, target, Tiling("csls", tile=80)) < 0.05 or features == 1


@pytest.mark.parametrize("retrieval", RETRIEVALS)
@pytest.mark.parametrize("keep", [True, False])
def test_one_feature_is_counted_to_the_last_tie(retrieval, keep):
    """Every cosine is 1 or -1 and every score exact, so that ranks and ties are those of integers."""
    source, target = pair(2, 160, 1)
    tiling = Tiling(retrieval, tile=80, keep=keep)
    for found, one, other in zip(ranked(source, target, tiling), (source, target), (target, source), strict=True):
        cosine = np.sign(one) @ np.sign(other).T
        lowered = {"csls": np.sort(cosine, axis=0)[-tiling.k :].mean(0) / 2, "nn": 0}.get(retrieval)
        if retrieval == "margin":  # where both signs have k rows, it is the cosine
            lowered = 0
        if retrieval == "isf":  # a decreasing function of how many rows have the candidate's sign
            lowered = (cosine > 0).sum(0) / 1000
        margin = cosine - lowered - (cosine - lowered)[np.arange(160), np.arange(160)][:, None]
        assert (found.rank == 1 + (margin > 1e-9).sum(1)).all()
        assert (found.ties == (np.abs(margin) <= 1e-9).sum(1) - 1).all()
        assert len(np.unique(found.rank)) > 1  # or the comparison would prove nothing


def test_a_thousand_rows_on_real_shapes():
    source, target = pair(3, 2000, 64)
    assert compare(source, target, Tiling("csls", tile=400)) < 0.05


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(st.integers(1, 24), st.integers(0, 2**31))
def test_mean_of_best_counts_equal_values_as_often_as_they_occur(k, seed):
    rng = np.random.default_rng(seed)
    values = rng.integers(-3, 4, (5, 800)).astype(np.float32)
    expected = np.sort(values, axis=1)[:, -k:].mean(1)
    assert np.abs(csls.mean_of_best(values, k) - expected).max() < 1e-6
    assert np.abs(csls.sum_of_best(values[:, :30], k) / k - np.sort(values[:, :30])[:, -k:].mean(1)).max() < 1e-6


@pytest.mark.parametrize("valid", [1600, 1599, 1530, 1500, 400, 20, 5])
def test_padding_is_no_neighbour(valid):
    """Padding of less than a block's step, of more, and too few columns for blocks at all."""
    values = np.random.default_rng(valid).standard_normal((7, 1600)).astype(np.float32)
    values[:, valid:] = 9
    expected = np.sort(values[:, :valid], axis=1)[:, -5:].mean(1)
    assert np.abs(csls.mean_of_best(values, 5, valid) - expected).max() < 1e-6


@pytest.mark.parametrize("rows", [9000, 20000, 50000, 100000])
@pytest.mark.parametrize("budget", [256 << 20, 1 << 30, 4 << 30])
def test_temporaries_of_a_pair_stay_within_its_share(rows, budget):
    """Compiled for shapes alone, two pairs at a time."""
    padded, tiling = candidates.choose_tiling(rows, AlignmentOptions(memory_budget=budget), 2)
    side, marks = jax.ShapeDtypeStruct((padded, 300), np.float32), jax.ShapeDtypeStruct((padded,), np.int32)
    buffer = jax.ShapeDtypeStruct((padded, padded), np.float32) if tiling.keep else None
    lowered = ranks.rank_both.lower(buffer, side, side, marks, marks, tiling=tiling, valid=rows)
    used = lowered.compile().memory_analysis().temp_size_in_bytes + (4 * padded**2 if tiling.keep else 0)
    assert used <= budget // 2, (used, tiling)


@pytest.mark.parametrize("rows", [16, 320])
@pytest.mark.parametrize("k", [3, 10])
def test_neighbourhoods_made_from_blocks_equal_a_sort(rows, k):
    rng = np.random.default_rng(0)
    source, target = (rng.standard_normal((size, 9)).astype(np.float32) for size in (rows, 50))
    similarity = np.where(np.arange(rows)[:, None] < rows - 2, source @ target.T, -np.inf)
    maxima = similarity.reshape(-1, csls.BLOCK, 50).max(1)
    found = csls.mean_from_blocks(jnp.asarray(maxima), jnp.asarray(source), jnp.asarray(target), rows - 2, k, 1 << 10)
    expected = np.sort(source[: rows - 2].astype(float) @ target.T.astype(float), axis=0)[-k:].mean(0)
    assert np.abs(found - expected).max() < 1e-5


def test_the_answer_never_outranks_itself():
    """A score made in two ways differs in its last bit: then ties vanish and ranks of 1 appear where there are none."""
    source, target = pair(4, 512, 3)
    for keep in (True, False):
        for found in ranked(source, target, Tiling("csls", tile=128, keep=keep)):
            first = found.rank == 1
            assert ((found.best == np.arange(512)) | ~first | (found.ties > 0)).all()


def test_nothing_is_sorted_and_tpu_is_lowered():
    shape = jax.ShapeDtypeStruct((256, 32), np.float32)
    marks = jax.ShapeDtypeStruct((256,), np.int32)
    buffer = jax.ShapeDtypeStruct((256, 256), np.float32)
    tiling = Tiling("nn", tile=128)
    traced = ranks.rank_both.trace(buffer, shape, shape, marks, marks, tiling=tiling, valid=250)
    text = traced.lower(lowering_platforms=("tpu",)).as_text()
    assert "HIGHEST" in text and "stablehlo.sort" not in text and "top_k" not in text
