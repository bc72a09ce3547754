"""The faster mode: similarities from bfloat16 products, ranks decided in float32.

A float32 number is the sum of two bfloat16 numbers and a rest below 2^-16 of it. With x = h + l + r

    x . y = h h' + h l' + l h' + (l l' + x r' + r (h' + l'))

the first three terms are one bfloat16 product of three times the width, made for matrix units, and Cauchy-Schwarz
bounds the bracket from the rows' own norms. The rounding of the sums is allowed for by the bound of Higham and Mary
2019 (eight standard deviations). What that error can decide is made
again in float32: r of CSLS from the k + SPARE highest cells of a row or column, and every cell that lies within the
error of a right answer or of the best candidate. Where too many are in doubt (spaces of duplicates), the whole pair is
done in float32. So the ranks are those of the float32 mode, but for cells that float32 itself cannot tell apart.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from jaxalign.retrieval import ranks
from jaxalign.retrieval.csls import BLOCK, sum_of_best
from jaxalign.retrieval.ranks import Plan, Ranked, bounded

SPARE = 6  # cells beside the k best that are made again: more than that within the error of the k-th is a pair in doubt
DEVIATIONS = 8.0
LISTED = 64  # a pair in which more than one cell in this many is in doubt is done in float32


class Factors(NamedTuple):
    """Rows as they are, and their bfloat16 parts side by side, for the left and right of one product."""

    source: Float[Array, "row feature"]
    target: Float[Array, "column feature"]
    left: Array  # (row, 3 feature) bfloat16
    right: Array
    error: Float[Array, ""]  # no cell of left @ right' is further from source @ target'


def supports(plan: Plan) -> bool:
    """Whether a plan asks for the faster mode and has one: csls or nn with the similarity kept."""
    return plan.fast and plan.keep and plan.retrieval in ("csls", "nn")


def split(source: Float[Array, "row feature"], target: Float[Array, "column feature"]) -> Factors:
    """Both factors in bfloat16 parts, and the bound of their product's error."""

    def parts(rows):
        high = lax.reduce_precision(rows, 8, 7)  # a cast and back might be taken for no change
        low = lax.reduce_precision(rows - high, 8, 7)
        norms = [jnp.linalg.norm(part, axis=1).max() for part in (rows, low, rows - high - low)]
        return high, low, norms

    high, low, (whole, small, rest) = parts(source)
    high_, low_, (whole_, small_, rest_) = parts(target)
    cut = small * small_ + whole * rest_ + rest * whole_
    rounding = DEVIATIONS * (3 * source.shape[1]) ** 0.5 * 2.0**-23 * whole * whole_
    left, right = (jnp.concatenate(both, 1).astype(jnp.bfloat16) for both in ([high, high, low], [high_, low_, high_]))
    return Factors(source, target, left, right, 1.01 * (cut + rounding))


def cells_again(
    factors: Factors, line: Int[Array, " cell"], column: Int[Array, " cell"], many: Int[Array, ""] | int, gathered: int
) -> Float[Array, " cell"]:
    """The first `many` cells (line, column) of the similarity in float32, `gathered` numbers of each side at once."""
    chunk = max(1, min(len(line), gathered // factors.source.shape[1]))
    below = (0, -len(line) % chunk)
    line, column = jnp.pad(line, below), jnp.pad(column, below)

    def one(index, found):
        at = [lax.dynamic_slice_in_dim(places, index * chunk, chunk) for places in (line, column)]
        made = (factors.source[at[0]] * factors.target[at[1]]).sum(1)
        return lax.dynamic_update_slice_in_dim(found, made, index * chunk, 0)

    found = lax.fori_loop(0, (many + chunk - 1) // chunk, one, jnp.zeros(len(line), factors.source.dtype))
    return found[: len(found) - below[1]]


def best_places(
    values: Float[Array, "line cell"], places: Int[Array, "line cell"], k: int, error: Float[Array, ""]
) -> tuple[Int[Array, "line best"], Bool[Array, ""]]:
    """Places of the k + SPARE highest cells of each line; whether the k best in float32 are surely among them."""
    wide = min(k + SPARE, values.shape[1])
    top, at = lax.top_k(values, wide)
    found = jnp.take_along_axis(places, at, axis=1)
    return found, (top[:, k - 1] - top[:, -1] > 2 * error).all() | (wide == values.shape[1])


def row_places(cells: Float[Array, "row column"], k: int, error: Float[Array, ""]):
    """`best_places` of the rows of a tile."""
    rows, columns = cells.shape
    if columns < 2 * (k + SPARE) * BLOCK or columns % BLOCK:
        return best_places(cells, jnp.broadcast_to(jnp.arange(columns), cells.shape), k, error)
    blocks = lax.top_k(cells.reshape(rows, -1, BLOCK).max(-1), k + SPARE)[1]
    places = (blocks[:, :, None] * BLOCK + jnp.arange(BLOCK)).reshape(rows, -1)
    return best_places(jnp.take_along_axis(cells, places, axis=1), places, k, error)


def column_places(states, similarity, rows: int, k: int, error: Float[Array, ""]):
    """`best_places` of the columns, from the highest of every block of rows."""
    blocks = lax.top_k(states.T, min(k + SPARE, len(states)))[1]
    places = (blocks[:, :, None] * BLOCK + jnp.arange(BLOCK)).reshape(len(blocks), -1)
    values = jnp.where(places < rows, similarity[places, jnp.arange(len(blocks))[:, None]], -jnp.inf)
    return best_places(values, places, k, error)


def penalties(factors: Factors, line, column, inside, shape: tuple[int, int], plan: Plan) -> Float[Array, " line"]:
    """Half the mean of the k highest cells of each line, those at (line, column) where they are inside."""
    cells = cells_again(factors, line.ravel(), column.ravel(), line.size, plan.gathered).reshape(shape)
    return bounded(sum_of_best(jnp.where(inside, cells, -jnp.inf), plan.k) / plan.k / 2)


def ranker(plan: Plan) -> jax.stages.Wrapped:
    """`retrieve.rank_both`, or the function of the same arguments that serves the plan's faster mode."""
    return rank_fast if supports(plan) else ranks.rank_both


@partial(jax.jit, static_argnames=("plan", "rows", "columns"), donate_argnames=("buffer",))
def rank_fast(buffer: Float[Array, "row column"], *pair: Array, plan: Plan, rows: int, columns: int):
    """As `retrieve.rank_both`, whose source, target, answers and answers_back are the `pair`."""
    source, target, answers, answers_back = pair
    factors = split(source, target)
    kept, states, places, sure = sweep(buffer, factors, plan, rows, columns)
    row_pen, col_pen, sure_columns = all_penalties(factors, kept, states, places, plan, rows, columns)
    *ranked, decided = count(factors, kept, row_pen, col_pen, answers, answers_back, plan, rows, columns)
    exact = partial(ranks.rank_both, plan=plan, rows=rows, columns=columns)
    return lax.cond(
        decided & sure & sure_columns,
        lambda kept: (kept, *ranked),
        lambda kept: exact(kept, *pair),
        kept,
    )


def sweep(buffer, factors: Factors, plan: Plan, rows: int, columns: int):
    """(similarity, highest of each column's blocks, places of each row's best cells, whether these are sure)."""
    outside = jnp.where(jnp.arange(len(factors.target)) < columns, 0, -jnp.inf).astype(jnp.float32)
    below = jnp.where(jnp.arange(len(factors.source)) < rows, 0, -jnp.inf).astype(jnp.float32)

    def tile(index):
        start = index * plan.tile
        left = lax.dynamic_slice_in_dim(factors.left, start, plan.tile, 0)
        cells = lax.dot_general(left, factors.right, (((1,), (1,)), ((), ())), preferred_element_type=jnp.float32)
        return cells, cells + lax.dynamic_slice_in_dim(below, start, plan.tile, 0)[:, None]

    def measure(index, carry):
        kept, states, places, sure = carry
        cells, counted = tile(index)
        kept = lax.dynamic_update_slice_in_dim(kept, cells, index * plan.tile, 0)
        if plan.retrieval == "csls":
            found, known = row_places(cells + outside, plan.k, factors.error)
            state = counted.reshape(-1, BLOCK, counted.shape[1]).max(1)
            states = lax.dynamic_update_slice_in_dim(states, state, index * len(state), 0)
            places = lax.dynamic_update_slice_in_dim(places, found.astype(jnp.int32), index * plan.tile, 0)
            sure &= known
        return kept, states, places, sure

    height, width = len(factors.source), len(factors.target)
    wide = min(plan.k + SPARE, width)
    states = jnp.zeros((height // BLOCK, width), jnp.float32)
    start = (buffer, states, jnp.zeros((height, wide), jnp.int32), jnp.array(True))
    return lax.fori_loop(0, height // plan.tile, measure, start)


def all_penalties(factors: Factors, kept, states, places, plan: Plan, rows: int, columns: int):
    """(penalties of the rows, of the columns, infinite outside, whether the columns' are sure), all in float32."""
    height, width = kept.shape
    line, column = jnp.arange(height), jnp.arange(width)
    rows_out, columns_out = jnp.where(line < rows, 0.0, jnp.inf), jnp.where(column < columns, 0.0, jnp.inf)
    if plan.retrieval == "nn":
        return rows_out, columns_out, jnp.array(True)
    shape = places.shape
    row_pen = penalties(factors, jnp.broadcast_to(line[:, None], shape), places, places < columns, shape, plan)
    places_back, sure = column_places(states, kept, rows, plan.k, factors.error)
    shape = places_back.shape
    col_pen = penalties(factors, places_back, jnp.broadcast_to(column[:, None], shape), places_back < rows, shape, plan)
    return row_pen + rows_out, col_pen + columns_out, sure


def count(factors: Factors, kept, row_pen, col_pen, answers, answers_back, plan: Plan, rows: int, columns: int):
    """Ranks forth and back, and whether every cell in doubt could be made again."""
    (height, width), tile, error = kept.shape, plan.tile, factors.error
    line_of, column_of = jnp.arange(height, dtype=jnp.int32), jnp.arange(width, dtype=jnp.int32)
    right = cells_again(factors, line_of, answers, height, plan.gathered)
    right_back = cells_again(factors, answers_back, column_of, width, plan.gathered)
    limit, limit_back = right - col_pen[answers], right_back - row_pen[answers_back]
    room = min(tile * width, 4 * (tile + width) + tile * width // LISTED)

    def one(index, carry):
        forth, back, back_top, decided = carry
        start = index * tile
        cells = lax.dynamic_slice_in_dim(kept, start, tile, 0)
        scores = cells - col_pen
        scores_back = cells - lax.dynamic_slice_in_dim(row_pen, start, tile, 0)[:, None]
        bound = lax.dynamic_slice_in_dim(limit, start, tile, 0)[:, None]
        near, near_back = jnp.abs(scores - bound) <= error, jnp.abs(scores_back - limit_back) <= error
        asked = near | near_back
        if plan.best:
            asked |= scores >= scores.max(1, keepdims=True) - 2 * error
            asked |= scores_back >= jnp.maximum(scores_back.max(0) - 2 * error, back_top - error)
        asked &= (jnp.arange(tile)[:, None] + start < rows) & (column_of < columns)
        many = asked.sum()
        at, column = jnp.nonzero(asked, size=room, fill_value=0)
        line, listed = at + start, jnp.arange(room) < many
        again = cells_again(factors, line, column, jnp.minimum(many, room), plan.gathered)
        score, score_back = again - col_pen[column], again - row_pen[line]
        doubt = listed & near[at, column] & (column != answers[line])
        doubt_back = listed & near_back[at, column] & (line != answers_back[column])
        zero = jnp.zeros(tile, jnp.int32)
        rank = (scores > bound + error).sum(1, dtype=jnp.int32).at[at].add(doubt & (score > limit[line]))
        rank_back = back.rank + (scores_back > limit_back + error).sum(0, dtype=jnp.int32)
        rank_back = rank_back.at[column].add(doubt_back & (score_back > limit_back[column]))
        best, ties = zero, zero
        if plan.best:
            ties = zero.at[at].add(doubt & (score == limit[line]))
            _, best = first_best(at, column, jnp.where(listed, score, -jnp.inf), tile, width)
            ties_back = back.ties.at[column].add(doubt_back & (score_back == limit_back[column]))
            top, first = first_best(column, line, jnp.where(listed, score_back, -jnp.inf), width, height)
            back = Ranked(rank_back, jnp.where(top > back_top, first, back.best), ties_back)
            back_top = jnp.maximum(back_top, top)
        back = back._replace(rank=rank_back)
        forth = Ranked(
            *(
                lax.dynamic_update_slice_in_dim(old, new, start, 0)
                for old, new in zip(forth, (rank, best, ties), strict=True)
            )
        )
        return forth, back, back_top, decided & (many <= room)

    whole = partial(jnp.zeros, dtype=jnp.int32)
    carry = (
        Ranked(*(whole(height) for _ in range(3))),
        Ranked(*(whole(width) for _ in range(3))),
        jnp.full(width, -jnp.inf, jnp.float32),
        jnp.array(True),
    )
    forth, back, _, decided = lax.fori_loop(0, height // tile, one, carry)
    return forth._replace(rank=forth.rank + 1), back._replace(rank=back.rank + 1), decided


def first_best(line, place, score, lines: int, none: int):
    """(highest score, first place that has it) of each line, from a list of cells."""
    top = jnp.full(lines, -jnp.inf, jnp.float32).at[line].max(score)
    place = jnp.where(score == top[line], place, none).astype(jnp.int32)
    return top, jnp.full(lines, none, jnp.int32).at[line].min(place)
