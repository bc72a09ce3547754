"""Rank of the right answer among all candidates, for both directions of a pair from one similarity.

Every retrieval but margin is `score(query, candidate) = similarity - penalty(candidate)` (see `penalties`); a term that
depends on the query only moves no rank and is left out. The right answer is scored by the same expression as all
others, so that it cannot outrank itself.

The similarity is made in tiles of rows. Where it fits the memory budget it is kept between the two sweeps (penalties,
then counts); else the second sweep makes it again. The last stage counts, it never sorts.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

from jaxalign.retrieval.counting import Ranked, best_of_rows, count_above, count_equal, highest_of
from jaxalign.retrieval.csls import BLOCK
from jaxalign.retrieval.penalties import Tiling, column_penalty, column_state, matmul, row_penalty, score


class BothRanked(NamedTuple):
    """Ranks of both directions, and the memory of the similarity, to be used again."""

    buffer: Float[Array, "row column"] | None
    source_to_target: Ranked
    target_to_source: Ranked


class Measured(NamedTuple):
    """State of the first sweep."""

    kept: Float[Array, "row column"] | None
    penalties: Float[Array, " row"]
    states: Float[Array, "part column"]
    right: Float[Array, " row"]  # similarity of each row to its right answer
    right_back: Float[Array, " column"]


@partial(jax.jit, static_argnames=("tiling", "valid", "filled"), donate_argnames=("buffer",))
def rank_both(
    buffer: Float[Array, "row column"] | None,
    source: Float[Array, "row feature"],
    target: Float[Array, "column feature"],
    answers: Int[Array, " row"],
    answers_back: Int[Array, " column"],
    tiling: Tiling,
    valid: int,
    filled: bool = False,
) -> BothRanked:
    """Ranks of all rows among the columns and of all columns among the rows, of S = source @ target'.

    Rows and columns from `valid` on are padding; `answers` are the right columns of the rows, `answers_back` the right
    rows of the columns. `buffer` is where S is kept; `filled` says that it holds S already, from another retrieval.
    """
    height, width, tile = len(source), len(target), tiling.tile
    outside = jnp.where(jnp.arange(width) < valid, 0, -jnp.inf).astype(source.dtype)
    below = jnp.where(jnp.arange(height) < valid, 0, -jnp.inf).astype(source.dtype)

    def cut(array: Array, start: Array) -> Array:
        return lax.dynamic_slice_in_dim(array, start, tile, 0)

    def put(whole: Array, part: Array, start: Array) -> Array:
        return lax.dynamic_update_slice_in_dim(whole, part, start, 0)

    def measure(index: Array, carry: Measured) -> Measured:
        kept, penalties, states, right, right_back = carry
        start = index * tile
        if kept is not None and filled:
            cells = cut(kept, start)
        else:
            cells = matmul(cut(source, start), target)
            kept = None if kept is None else put(kept, cells, start)
        penalties = put(penalties, row_penalty(cells, tiling, valid), start)
        state = column_state(cells + cut(below, start)[:, None], tiling)
        states = put(states, state, index * len(state))
        right = put(right, jnp.take_along_axis(cells, cut(answers, start)[:, None], axis=1)[:, 0], start)
        inside = (answers_back >= start) & (answers_back < start + tile)
        place = jnp.clip(answers_back - start, 0, tile - 1)
        right_back = jnp.where(inside, cells[place, jnp.arange(width)], right_back)
        return Measured(kept, penalties, states, right, right_back)

    parts = jax.eval_shape(lambda: column_state(jnp.zeros((tile, width), source.dtype), tiling)).shape[0]
    zeros = partial(jnp.zeros, dtype=source.dtype)
    start_carry = Measured(buffer, zeros(height), zeros((parts * (height // tile), width)), zeros(height), zeros(width))
    kept, row_pen, states, right, right_back = lax.fori_loop(0, height // tile, measure, start_carry)
    col_pen = column_penalty(states, kept, source, target, tiling, valid) - outside
    row_pen = row_pen - below
    scored = partial(score, retrieval=tiling.retrieval)
    limit = scored(right, row_pen, col_pen[answers])
    limit_back = scored(right_back, col_pen, row_pen[answers_back])

    def count(index: Array, carry: tuple[Ranked, Ranked, Array]) -> tuple[Ranked, Ranked, Array]:
        start = index * tile
        tile_cells = cut(kept, start) if kept is not None else matmul(cut(source, start), target)

        def count_block(number: Array, carry: tuple[Ranked, Ranked, Array]) -> tuple[Ranked, Ranked, Array]:
            to_target, to_source, highest_back = carry
            first = start + number * BLOCK
            cells = lax.dynamic_slice_in_dim(tile_cells, number * BLOCK, BLOCK, 0)
            bound = lax.dynamic_slice_in_dim(limit, first, BLOCK, 0)[:, None]
            penalty = lax.dynamic_slice_in_dim(row_pen, first, BLOCK, 0)[:, None]
            scores, scores_back = scored(cells, penalty, col_pen), scored(cells, col_pen, penalty)
            to_target = to_target._replace(rank=put(to_target.rank, count_above(scores, bound, 1), first))
            to_source = to_source._replace(rank=to_source.rank + count_above(scores_back, limit_back, 0))
            if tiling.best:
                top_back = highest_of(scores_back, 0)
                to_target = to_target._replace(
                    best=put(to_target.best, best_of_rows(scores), first),
                    ties=put(to_target.ties, count_equal(scores, bound, 1) - 1, first),
                )
                line = jnp.arange(BLOCK, dtype=jnp.int32)[:, None] + first
                top_row = jnp.where(scores_back == top_back, line, height).min(0)
                to_source = to_source._replace(
                    best=jnp.where(top_back > highest_back, top_row, to_source.best),
                    ties=to_source.ties + count_equal(scores_back, limit_back, 0),
                )
                highest_back = jnp.maximum(highest_back, top_back)
            return to_target, to_source, highest_back

        return lax.fori_loop(0, tile // BLOCK, count_block, carry)

    whole = partial(jnp.zeros, dtype=jnp.int32)
    carry = (
        Ranked(*(whole(height) for _ in range(3))),
        Ranked(whole(width), whole(width), whole(width) - 1),
        jnp.full(width, -jnp.inf, source.dtype),
    )
    to_target, to_source, _ = lax.fori_loop(0, height // tile, count, carry)
    return BothRanked(kept, to_target._replace(rank=to_target.rank + 1), to_source._replace(rank=to_source.rank + 1))
