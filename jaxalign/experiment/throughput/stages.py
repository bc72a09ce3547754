"""The steps of one pair, each timed singly: fit, similarity, penalties, count, the whole pair, a pair of vocabularies.

fit         the map of one pair from its seed rows, and the candidates mapped by it
similarity  the product of the candidates of both languages, in tiles, written to memory
penalties   r of CSLS of all rows and columns, from a similarity in memory
count       ranks of all rows and columns, from a similarity in memory and its penalties
pair        similarity, penalties, count as the engine does them: one compiled program
vocabulary  the same for one direction of two vocabularies whose similarity is never held in memory

Operations are those of the products; comparisons and decompositions are not counted. Bytes are the least that must move
between memory and the cores: each space read once, a similarity in memory written or read once.
"""

from collections.abc import Callable, Iterator
from functools import partial
from time import perf_counter
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int

from jaxalign.alignment import reduced
from jaxalign.evaluation import candidates as candidates_module
from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.experiment.throughput.work import Work, planted, timed
from jaxalign.retrieval import penalties as penalties_module
from jaxalign.retrieval import ranks_bfloat16, vocabulary
from jaxalign.retrieval.counting import count_above
from jaxalign.retrieval.penalties import Tiling, matmul

ORDERED_PAIRS = {"fit": 2, "similarity": 2, "penalties": 2, "count": 2, "pair": 2, "vocabulary": 1}


class Stage(NamedTuple):
    """One step: its name, a call that ends when the device is done, its work, and how it was compiled."""

    name: str
    call: Callable[[], Any]
    work: Work
    facts: dict[str, Any]


class Sides(NamedTuple):
    """Penalties of the rows and of the columns."""

    rows: Float[Array, " row"]
    columns: Float[Array, " column"]


class Pair(NamedTuple):
    """Unit rows of the candidates of two languages, padded, and how their similarity is worked through."""

    source: Float[Array, "row feature"]
    target: Float[Array, "row feature"]
    valid: int
    tiling: Tiling


def stages(train: int, pool: int, features: int, options: AlignmentOptions) -> Iterator[Stage]:
    """The steps for `train` seed rows and `pool` candidates; the similarity in memory only where it fits the budget."""
    yield _fit(train, pool, features, options)
    padded, tiling = candidates_module.choose_tiling(pool, options, 1)
    spaces = planted(padded, features, 2, 0).values()
    source, target = (jnp.asarray(space / np.linalg.norm(space, axis=1, keepdims=True)) for space in spaces)
    pair = Pair(source, target, pool, tiling)
    if tiling.keep:
        yield from _kept(pair, features)
    yield whole_pair(pair)
    yield _vocabulary(pair, options)


def measured(stage: Stage, repeats: int) -> dict[str, Any]:
    """Median and extremes of the warm calls of one step, and what was compiled."""
    return timed(stage.call, repeats) | stage.facts


def _fit(train: int, pool: int, features: int, options: AlignmentOptions) -> Stage:
    spaces = planted(train + pool, features, 2, 0).values()
    rows, map_options = jnp.arange(train), options.map_options
    vectors = [jnp.asarray(space) for space in spaces]
    candidates = [reduced.candidate_rows(space, jnp.arange(train, train + pool), pool) for space in vectors]

    def call() -> Any:
        first, second = (
            reduced.reduce(space, unit, rows, map_options) for space, unit in zip(vectors, candidates, strict=True)
        )
        return jax.block_until_ready(reduced.align(first, second, None, map_options))

    inner = min(features, train)
    flops = 2 * inner**2 * train + 2 * 2 * pool * features * inner
    return Stage("fit", call, Work(flops, 4 * (2 * train * features + 4 * pool * features)), {})


def _kept(pair: Pair, features: int) -> Iterator[Stage]:
    """The three steps around a similarity that is held in memory."""
    rows, cells = len(pair.source), len(pair.source) ** 2
    product = jax.jit(similarity, static_argnames="tile")
    yield Stage(
        "similarity",
        lambda: product(pair.source, pair.target, pair.tiling.tile).block_until_ready(),
        Work(2 * cells * features, 4 * (2 * rows * features + cells)), {},
    )  # fmt: skip
    kept = product(pair.source, pair.target, pair.tiling.tile)
    penalties_of = jax.jit(penalties, static_argnames=("tiling", "valid"))
    yield Stage(
        "penalties",
        lambda: jax.block_until_ready(penalties_of(kept, tiling=pair.tiling, valid=pair.valid)),
        Work(0.0, 4 * cells), {},
    )  # fmt: skip
    sides = penalties_of(kept, tiling=pair.tiling, valid=pair.valid)
    counts_of = jax.jit(counts, static_argnames="tile")
    yield Stage(
        "count", lambda: jax.block_until_ready(counts_of(kept, sides, pair.tiling.tile)), Work(0.0, 4 * cells), {}
    )


def similarity(
    source: Float[Array, "row feature"], target: Float[Array, "column feature"], tile: int
) -> Float[Array, "row column"]:
    """source @ target' in tiles of rows, as the engine makes it."""

    def put_tile(index: Array, kept: Array) -> Array:
        cells = matmul(lax.dynamic_slice_in_dim(source, index * tile, tile, 0), target)
        return lax.dynamic_update_slice_in_dim(kept, cells, index * tile, 0)

    whole = jnp.zeros((len(source), len(target)), source.dtype)
    return lax.fori_loop(0, len(source) // tile, put_tile, whole)


def penalties(kept: Float[Array, "row column"], *, tiling: Tiling, valid: int) -> Sides:
    """Penalties of all rows and columns of a similarity in memory, by the functions of the engine."""
    tile, rows = tiling.tile, len(kept)
    below = jnp.where(jnp.arange(rows) < valid, 0, -jnp.inf).astype(kept.dtype)
    parts = jax.eval_shape(lambda: penalties_module.column_state(kept[:tile], tiling)).shape[0]

    def measure(index: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        cells = lax.dynamic_slice_in_dim(kept, index * tile, tile, 0)
        row_part = penalties_module.row_penalty(cells, tiling, valid)
        outside = lax.dynamic_slice_in_dim(below, index * tile, tile, 0)[:, None]
        state = penalties_module.column_state(cells + outside, tiling)
        return (
            lax.dynamic_update_slice_in_dim(carry[0], row_part, index * tile, 0),
            lax.dynamic_update_slice_in_dim(carry[1], state, index * parts, 0),
        )

    zeros = jnp.zeros(rows, kept.dtype), jnp.zeros((parts * (rows // tile), rows), kept.dtype)
    row_pen, states = lax.fori_loop(0, rows // tile, measure, zeros)
    columns = penalties_module.column_penalty(states, kept, kept, kept, tiling, valid)
    return Sides(row_pen, columns)


def counts(kept: Float[Array, "row column"], sides: Sides, tile: int) -> Int[Array, "2 row"]:
    """Ranks of all rows among the columns and of all columns among the rows, where row n answers column n."""
    right = jnp.diagonal(kept)
    limit, limit_back = right - sides.columns, right - sides.rows

    def count_tile(index: Array, ranks: Array) -> Array:
        start = index * tile
        cells = lax.dynamic_slice_in_dim(kept, start, tile, 0)
        bound = lax.dynamic_slice_in_dim(limit, start, tile, 0)[:, None]
        penalty = lax.dynamic_slice_in_dim(sides.rows, start, tile, 0)[:, None]
        above = count_above(cells - sides.columns, bound, 1)
        return jnp.stack(
            [
                lax.dynamic_update_slice_in_dim(ranks[0], above + 1, start, 0),
                ranks[1] + count_above(cells - penalty, limit_back, 0),
            ]
        )

    zero, one = jnp.zeros(len(kept), jnp.int32), jnp.ones(len(kept), jnp.int32)
    return lax.fori_loop(0, len(kept) // tile, count_tile, jnp.stack([zero, one]))


def whole_pair(pair: Pair) -> Stage:
    """Similarity, penalties and counts in the one program that the engine runs for a pair."""
    rows, tiling = len(pair.source), pair.tiling
    answers = jnp.arange(rows, dtype=jnp.int32)
    free = [jnp.zeros((rows, rows), jnp.float32) if tiling.keep else None]
    start = perf_counter()
    lowered = ranks_bfloat16.ranker(tiling).lower(
        free[0], pair.source, pair.target, answers, answers, tiling=tiling, valid=pair.valid
    )
    ranked = lowered.compile()
    compiled = perf_counter() - start
    memory = ranked.memory_analysis()

    def call() -> None:
        free[0], *_ = jax.block_until_ready(ranked(free[0], pair.source, pair.target, answers, answers))

    features = pair.source.shape[1]
    sweeps = 3 if tiling.keep else 0
    work = Work(2 * rows**2 * features * (1 if tiling.keep else 2), 4 * (2 * rows * features + sweeps * rows**2))
    facts = {
        "compile_seconds": compiled,
        "temporary_bytes": memory.temp_size_in_bytes if memory else None,
        "similarity_kept": tiling.keep,
    }
    return Stage("pair", call, work, facts)


def _vocabulary(pair: Pair, options: AlignmentOptions) -> Stage:
    rows, features = pair.valid, pair.source.shape[1]
    source, target = pair.source[:rows], pair.target[:rows]
    queries = np.arange(rows)
    call = partial(
        vocabulary.ranks, source, target, queries, queries[:, None],
        csls_k=min(options.csls_k, rows), memory_budget=options.memory_budget, best=False,
    )  # fmt: skip
    return Stage("vocabulary", call, Work(2 * rows**2 * features, 4 * 2 * rows * features), {})
