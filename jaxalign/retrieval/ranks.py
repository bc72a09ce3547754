"""Rank of the right answer among all candidates, for both directions of a pair from one similarity.

Every retrieval is `score(query, candidate) = similarity - penalty(candidate)`; a term that depends on the query alone
moves no rank and is left out. The right answer is scored by the same expression as all others, so that it cannot
outrank itself.

    nn                penalty 0
    csls              penalty r(candidate) / 2, r the mean of the `k` highest similarities of the candidate over all
                      rows of the other language's pool (Conneau et al. 2018, equation 5; 2 s - r there, half of it
                      here: exact)
    inverted_softmax  penalty log(sum over that pool of exp(beta s)) / beta (Smith et al. 2017, equation 6)

The similarity is made in tiles of rows. Where it fits the memory budget it is kept between the two sweeps (penalties,
then counts); else the second sweep makes it again. The last stage counts, it never sorts.
"""

from functools import partial
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

from jaxalign.retrieval.csls import BLOCK, highest_of, mean_from_blocks, mean_of_best, sum_of_best

Retrieval = Literal["csls", "nn", "inverted_softmax"]
RETRIEVALS = ("csls", "nn", "inverted_softmax")
BETA = 30.0


class Plan(NamedTuple):
    """How a similarity is worked through; static, a compiled function each."""

    retrieval: Retrieval = "csls"
    k: int = 10
    tile: int = 512  # rows made at once; a multiple of BLOCK that divides the padded rows
    keep: bool = True  # hold the similarity between the sweeps
    maxima: bool = True  # hold the maxima of the columns' blocks, a sixteenth of it; else the columns take a sweep more
    best: bool = True  # also find the best candidate and the ties
    gathered: int = 1 << 23  # cells of the rows that are made again at once
    fast: bool = False  # bfloat16 products, see `bfloat`


class Ranked(NamedTuple):
    """Per query: rank from 1, row of the best candidate, candidates that score exactly as the right answer."""

    rank: Int[Array, " query"]
    best: Int[Array, " query"]
    ties: Int[Array, " query"]


def bounded(penalty: Float[Array, " candidate"]) -> Float[Array, " candidate"]:
    """The penalty, unchanged.

    Bounds that never bind keep a compiler from fusing the product that made it into `similarity - penalty` with one
    rounding in one place and two in another, which lets the right answer outrank itself.
    """
    return jnp.clip(penalty, -8, 8)


def row_penalty(tile: Float[Array, "row column"], plan: Plan, columns: int) -> Float[Array, " row"]:
    """Penalty of each row as a candidate of the columns; those from `columns` on are padding."""
    if plan.retrieval == "csls":
        return bounded(mean_of_best(tile, plan.k, columns) / 2)
    if plan.retrieval == "inverted_softmax":
        counted = jnp.where(jnp.arange(tile.shape[1]) < columns, tile, -jnp.inf)
        return bounded(1 + jnp.log(jnp.exp(BETA * (counted - 1)).sum(-1)) / BETA)
    return jnp.zeros(len(tile), tile.dtype)


def column_state(tile: Float[Array, "row column"], plan: Plan) -> Float[Array, "part column"]:
    """What one tile tells of the penalty of the columns."""
    if plan.retrieval == "nn" or plan.retrieval == "csls" and not plan.maxima:
        return jnp.zeros((1, tile.shape[1]), tile.dtype)
    if plan.retrieval == "inverted_softmax":
        return jnp.exp(BETA * (tile - 1)).sum(0, keepdims=True)
    return highest_of(tile.reshape(-1, BLOCK, tile.shape[1]), 1)


def column_penalty(
    state: Float[Array, "part column"],
    similarity: Float[Array, "row column"] | None,
    source: Float[Array, "row feature"],
    target: Float[Array, "column feature"],
    plan: Plan,
    rows: int,
) -> Float[Array, " column"]:
    """Penalty of each column as a candidate of the rows, from all tiles' states; rows from `rows` on are padding."""
    if plan.retrieval == "nn":
        return state[0]
    if plan.retrieval == "inverted_softmax":
        return bounded(1 + jnp.log(state.sum(0)) / BETA)
    if not plan.maxima:
        return lax.map(lambda tile: row_penalty(matmul(tile, source), plan, rows), cut_up(target, plan.tile)).ravel()
    if similarity is None:
        return bounded(mean_from_blocks(state, source, target, rows, plan.k, plan.gathered) / 2)
    blocks = lax.top_k(state.T, min(plan.k, len(state)))[1]
    cells = (blocks[:, :, None] * BLOCK + jnp.arange(BLOCK)).reshape(len(blocks), -1)
    values = jnp.where(cells < rows, similarity[cells, jnp.arange(len(blocks))[:, None]], -jnp.inf)
    return bounded(sum_of_best(values, plan.k) / plan.k / 2)


def matmul(source: Float[Array, "row feature"], target: Float[Array, "column feature"]) -> jax.Array:
    """source @ target' at full precision."""
    return jnp.matmul(source, target.T, precision=lax.Precision.HIGHEST)


def cut_up(array: Float[Array, "row feature"], tile: int) -> Float[Array, "tile row feature"]:
    """Tiles of `tile` rows."""
    return array.reshape(-1, tile, array.shape[1])


@partial(jax.jit, static_argnames=("plan", "rows", "columns"), donate_argnames=("buffer",))
def rank_both(
    buffer: Float[Array, "row column"] | None,
    source: Float[Array, "row feature"],
    target: Float[Array, "column feature"],
    answers: Int[Array, " row"],
    answers_back: Int[Array, " column"],
    plan: Plan,
    rows: int,
    columns: int,
) -> tuple[Float[Array, "row column"] | None, Ranked, Ranked]:
    """Ranks of all rows among the columns and of all columns among the rows, of S = source @ target'.

    Rows from `rows` on and columns from `columns` on are padding; `answers` are the right columns of the rows,
    `answers_back` the right rows of the columns. `buffer` is where S is kept, handed back to be used again.
    """
    height, width, tile = len(source), len(target), plan.tile
    outside = jnp.where(jnp.arange(width) < columns, 0, -jnp.inf).astype(source.dtype)
    below = jnp.where(jnp.arange(height) < rows, 0, -jnp.inf).astype(source.dtype)

    def cut(array, start):
        return lax.dynamic_slice_in_dim(array, start, tile, 0)

    def make(start):
        return matmul(cut(source, start), target)

    def measure(index, carry):
        kept, penalties, states, right, right_back = carry
        start = index * tile
        cells = make(start)
        if plan.keep:
            kept = lax.dynamic_update_slice_in_dim(kept, cells, start, 0)
        penalties = lax.dynamic_update_slice_in_dim(penalties, row_penalty(cells, plan, columns), start, 0)
        found = column_state(cells + cut(below, start)[:, None], plan)
        states = lax.dynamic_update_slice_in_dim(states, found, index * len(found), 0)
        own = jnp.take_along_axis(cells, cut(answers, start)[:, None], axis=1)[:, 0]
        right = lax.dynamic_update_slice_in_dim(right, own, start, 0)
        inside = (answers_back >= start) & (answers_back < start + tile)
        place = jnp.clip(answers_back - start, 0, tile - 1)
        right_back = jnp.where(inside, cells[place, jnp.arange(width)], right_back)
        return kept, penalties, states, right, right_back

    parts = jax.eval_shape(lambda: column_state(jnp.zeros((tile, width), source.dtype), plan)).shape[0]
    zeros = partial(jnp.zeros, dtype=source.dtype)
    start_carry = (buffer, zeros(height), zeros((parts * (height // tile), width)), zeros(height), zeros(width))
    kept, row_pen, states, right, right_back = lax.fori_loop(0, height // tile, measure, start_carry)
    col_pen = column_penalty(states, kept if plan.keep else None, source, target, plan, rows) - outside
    row_pen = row_pen - below
    limit, limit_back = right - col_pen[answers], right_back - row_pen[answers_back]

    def count(index, carry):
        start = index * tile
        tile_cells = cut(kept, start) if plan.keep else make(start)

        def few(number, carry):
            forth, back, back_score = carry
            offset = number * BLOCK
            first = start + offset
            cells = lax.dynamic_slice_in_dim(tile_cells, offset, BLOCK, 0)
            bound = lax.dynamic_slice_in_dim(limit, first, BLOCK, 0)[:, None]
            penalty = lax.dynamic_slice_in_dim(row_pen, first, BLOCK, 0)[:, None]
            scores, scores_back = cells - col_pen, cells - penalty
            found = [(scores > bound).sum(1, dtype=jnp.int32)]
            higher = back.rank + (scores_back > limit_back).sum(0, dtype=jnp.int32)
            back = back._replace(rank=higher)
            if plan.best:
                top, top_back = scores.max(1, keepdims=True), highest_of(scores_back, 0)
                found += [
                    jnp.where(scores == top, jnp.arange(width, dtype=jnp.int32), width).min(1),
                    (scores == bound).sum(1, dtype=jnp.int32) - 1,
                ]
                line = jnp.arange(BLOCK, dtype=jnp.int32)[:, None] + first
                highest = jnp.where(scores_back == top_back, line, height).min(0)
                best = jnp.where(top_back > back_score, highest, back.best)
                ties = back.ties + (scores_back == limit_back).sum(0, dtype=jnp.int32)
                back, back_score = Ranked(higher, best, ties), jnp.maximum(back_score, top_back)
            parts = [
                lax.dynamic_update_slice_in_dim(old, new, first, 0) for old, new in zip(forth, found, strict=False)
            ]
            return Ranked(*parts, *forth[len(parts) :]), back, back_score

        return lax.fori_loop(0, tile // BLOCK, few, carry)

    whole = partial(jnp.zeros, dtype=jnp.int32)
    carry = (
        Ranked(*(whole(height) for _ in range(3))),
        Ranked(whole(width), whole(width), whole(width) - 1),
        jnp.full(width, -jnp.inf, source.dtype),
    )
    forth, back, _ = lax.fori_loop(0, height // tile, count, carry)
    return kept, forth._replace(rank=forth.rank + 1), back._replace(rank=back.rank + 1)
