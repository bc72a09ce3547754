"""The faster mode: its error bound holds, its ranks are those of float32, and it does not always give up."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxalign.evaluation import pairs
from jaxalign.reference import unit_rows
from jaxalign.retrieval import ranks, ranks_bfloat16
from jaxalign.retrieval.counting import Ranked
from jaxalign.retrieval.penalties import Tiling
from tests.conftest import planted
from tests.retrieval.scored_pairs import NEAR, bounds, pair


def made(kind, rows=400, features=48, seed=0):
    """Unit rows of two languages: the kinds of `scored_pairs.pair`, one narrow cone, and crowds of near ties."""
    if kind not in ("cone", "crowd"):
        return pair(seed, rows, features, kind)
    rng = np.random.default_rng(seed)
    source = rng.standard_normal((rows, features))
    target = source + rng.standard_normal((rows, features))
    if kind == "cone":
        return tuple(unit_rows(0.1 * rows_ + 3).astype(np.float32) for rows_ in (source, target))
    steps = 1e-5 * rng.standard_normal((rows, features))
    return tuple(unit_rows(rows_[np.arange(rows) // 4] + steps).astype(np.float32) for rows_ in (source, target))


def both(source, target, tiling, answers):
    """(float32, faster) ranks forth and back, padding cut off."""
    rows = len(source)
    padded = -(-rows // tiling.tile) * tiling.tile
    source, target = (jnp.pad(side, ((0, padded - rows), (0, 0))) for side in (source, target))
    marks = [np.concatenate([mark, np.arange(rows, padded)]) for mark in (answers, np.argsort(answers))]
    for rank in (ranks.rank_both, ranks_bfloat16.ranker(tiling)):
        buffer = jnp.zeros((padded, padded)) if tiling.keep else None
        found = rank(buffer, source, target, *map(jnp.asarray, marks), tiling=tiling, valid=rows)[1:]
        yield [Ranked(*(np.asarray(part)[:rows] for part in one)) for one in found]


@functools.partial(jax.jit, static_argnames="tiling")
def in_doubt(source, target, tiling):
    """Whether the pair would be computed in float32."""
    rows, answers = len(source), jnp.arange(len(source))
    factors = ranks_bfloat16.split(source, target)
    swept = ranks_bfloat16.sweep(jnp.zeros((rows, rows)), factors, tiling, rows)
    penalties = ranks_bfloat16.all_penalties(factors, swept, tiling, rows)
    right = ranks_bfloat16.Answers(answers, answers)
    counted = ranks_bfloat16.count(factors, swept.similarity, penalties, right, tiling, rows)
    return ~(counted.decided & swept.best.sure & penalties.sure)


@pytest.mark.parametrize("features", [1, 2, 48, 1024, 4096])
@pytest.mark.parametrize("kind", ["plain", "hubs", "cone"])
def test_no_product_is_further_off_than_the_bound(kind, features):
    source, target = made(kind, 64, features)
    factors = ranks_bfloat16.split(jnp.asarray(source), jnp.asarray(target))
    product = np.asarray(factors.left, np.float64) @ np.asarray(factors.right, np.float64).T
    off = np.abs(product - source.astype(float) @ target.astype(float).T).max()
    assert off <= factors.error < 1.5e-4
    assert off > 0 or features == 1
    plain = np.abs(np.asarray(factors.left[:, :features] @ factors.right[:, :features].T, float) - product).max()
    assert plain > factors.error or features < 48  # a product of one bfloat16 number a cell would break the bound


@pytest.mark.slow
@pytest.mark.parametrize("retrieval", ["csls", "nn"])
@pytest.mark.parametrize("kind", ["plain", "hubs", "cone", "crowd", "duplicates", "same"])
@pytest.mark.parametrize("best", [True, False])
def test_ranks_are_those_of_float32(kind, retrieval, best):
    source, target = made(kind)
    tiling = Tiling(retrieval, k=10, tile=80, best=best, fast=True, gathered=1 << 14)
    answers = np.random.default_rng(1).permutation(len(source)) if kind == "hubs" else np.arange(len(source))
    exact, fast = both(source, target, tiling, answers)
    sides = ((source, target, answers), (target, source, np.argsort(answers)))
    for found, other, (one, two, marks) in zip(exact, fast, sides, strict=True):
        lowest, highest = bounds(one, two, tiling, marks, NEAR)
        assert ((other.rank >= lowest) & (other.rank <= highest)).all()
        clear = lowest == highest
        assert (found.rank == other.rank)[clear].all()
        if kind in ("plain", "hubs"):
            assert clear.mean() > 0.95 and (found.best == other.best).mean() > 0.99
            assert not best or (found.ties == other.ties).all()
        if best:
            assert ((other.best == marks) <= (other.rank == 1)).all()


@pytest.mark.slow
@pytest.mark.parametrize("features", [1, 3, 1024, 4096])
def test_any_width(features):
    source, target = made("plain", 150, features)
    tiling = Tiling("csls", tile=80, fast=True)
    exact, fast = both(source, target, tiling, np.arange(150))
    for found, other, one, two in zip(exact, fast, (source, target), (target, source), strict=True):
        lowest, highest = bounds(one, two, tiling, np.arange(150), NEAR)
        assert ((other.rank >= lowest) & (other.rank <= highest)).all()
        assert (found.rank == other.rank)[lowest == highest].all()


@pytest.mark.parametrize("retrieval", ["csls", "nn"])
def test_it_decides_most_pairs_by_itself(retrieval):
    tiling = Tiling(retrieval, tile=80, fast=True)
    assert not in_doubt(*made("plain"), tiling)
    assert not in_doubt(*made("plain", 800, 300), tiling)
    assert in_doubt(*made("same"), tiling)


def test_where_it_has_no_way_it_is_the_float32_mode():
    assert ranks_bfloat16.ranker(Tiling("csls", fast=True)) is ranks_bfloat16.rank_fast
    for tiling in (Tiling("isf", fast=True), Tiling("csls", keep=False, fast=True)):
        assert ranks_bfloat16.ranker(tiling) is ranks.rank_both


def test_every_setting_of_every_pair():
    spaces = planted(2, 300, 40)
    options = dict(seed=np.arange(100), test=np.arange(100, 300), settings=("before", "after", "ceiling", "null"))
    plain, quick = pairs.rank(spaces, **options), pairs.rank(spaces, precision="fast", **options)
    for exact, fast in zip(plain.tables, quick.tables, strict=True):
        assert (exact.rank != fast.rank).mean() < 1e-3 and (exact.best != fast.best).mean() < 1e-3


@pytest.mark.parametrize("platform", ["tpu", "cuda"])
def test_the_large_products_are_in_bfloat16(platform):
    shape, marks = jax.ShapeDtypeStruct((512, 32), np.float32), jax.ShapeDtypeStruct((512,), np.int32)
    buffer = jax.ShapeDtypeStruct((512, 512), np.float32)
    tiling = Tiling("csls", tile=128, fast=True)
    traced = ranks_bfloat16.rank_fast.trace(buffer, shape, shape, marks, marks, tiling=tiling, valid=500)
    text = traced.lower(lowering_platforms=(platform,)).as_text()
    assert "(tensor<128x96xbf16>, tensor<512x96xbf16>) -> tensor<128x512xf32>" in text
