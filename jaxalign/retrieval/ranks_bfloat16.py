"""The faster mode: similarities from bfloat16 products, ranks decided in float32.

A float32 number is the sum of two bfloat16 numbers and a rest below 2^-16 of it. With x = h + l + r

    x . y = h h' + h l' + l h' + (l l' + x r' + r (h' + l'))

the first three terms are one bfloat16 product of three times the width, made for matrix units, and Cauchy-Schwarz
bounds the bracket from the rows' own norms. The rounding of the sums is allowed for by the bound of Higham and Mary
2019 (eight standard deviations). What that error can decide is made
again in float32: r of CSLS from the k + SPARE highest cells of a row or column, and every cell that lies within the
error of a right answer or of the best candidate. Where too many are in doubt (spaces of duplicates), the whole pair is
computed in float32. So the ranks are those of the float32 mode, except for cells that float32 itself cannot separate.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from jaxalign.retrieval import ranks
from jaxalign.retrieval.counting import Ranked, bounded, count_above
from jaxalign.retrieval.csls import BLOCK, sum_of_best
from jaxalign.retrieval.penalties import Tiling
from jaxalign.retrieval.ranks import BothRanked

SPARE = 6  # cells next to the k best that are made again: with more within the error of the k-th, the pair is in doubt
DEVIATIONS = 8.0
LISTED = 64  # a pair in which more than one cell in this many is in doubt is computed in float32


class Factors(NamedTuple):
    """Rows as given, and their bfloat16 parts next to each other, for the left and right of one product."""

    source: Float[Array, "row feature"]
    target: Float[Array, "column feature"]
    left: Array  # (row, 3 feature) bfloat16
    right: Array
    error: Float[Array, ""]  # no cell of left @ right' is further from source @ target'


class BestPlaces(NamedTuple):
    """Places of the highest cells of each line, and whether the k best in float32 are surely among them."""

    places: Int[Array, "line best"]
    sure: Bool[Array, ""]


class Sweep(NamedTuple):
    """The similarity, the highest of each column's blocks, and the best cells of each row."""

    similarity: Float[Array, "row column"]
    states: Float[Array, "block column"]
    best: BestPlaces


class Answers(NamedTuple):
    """The right columns of the rows, and the right rows of the columns."""

    of_rows: Int[Array, " row"]
    of_columns: Int[Array, " column"]


class Penalties(NamedTuple):
    """Penalties of rows and columns, infinite for padding, and whether those of the columns are sure."""

    rows: Float[Array, " row"]
    columns: Float[Array, " column"]
    sure: Bool[Array, ""]


class Counted(NamedTuple):
    """Ranks of both directions, and whether every cell in doubt could be made again."""

    source_to_target: Ranked
    target_to_source: Ranked
    decided: Bool[Array, ""]


def supports(tiling: Tiling) -> bool:
    """Whether a tiling asks for the faster mode and has one: csls or nn with the similarity kept."""
    return tiling.fast and tiling.keep and tiling.retrieval in ("csls", "nn")


def split(source: Float[Array, "row feature"], target: Float[Array, "column feature"]) -> Factors:
    """Both factors in bfloat16 parts, and the bound of their product's error."""

    def parts(rows: Array) -> tuple[Array, Array, list[Array]]:
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

    def make_chunk(index: Array, cells: Array) -> Array:
        at = [lax.dynamic_slice_in_dim(places, index * chunk, chunk) for places in (line, column)]
        made = (factors.source[at[0]] * factors.target[at[1]]).sum(1)
        return lax.dynamic_update_slice_in_dim(cells, made, index * chunk, 0)

    cells = lax.fori_loop(0, (many + chunk - 1) // chunk, make_chunk, jnp.zeros(len(line), factors.source.dtype))
    return cells[: len(cells) - below[1]]


def best_places(
    values: Float[Array, "line cell"], places: Int[Array, "line cell"], k: int, error: Float[Array, ""]
) -> BestPlaces:
    """Places of the k + SPARE highest cells of each line."""
    wide = min(k + SPARE, values.shape[1])
    top, at = lax.top_k(values, wide)
    sure = (top[:, k - 1] - top[:, -1] > 2 * error).all() | (wide == values.shape[1])
    return BestPlaces(jnp.take_along_axis(places, at, axis=1), sure)


def row_places(cells: Float[Array, "row column"], k: int, error: Float[Array, ""]) -> BestPlaces:
    """`best_places` of the rows of a tile."""
    rows, columns = cells.shape
    if columns < 2 * (k + SPARE) * BLOCK or columns % BLOCK:
        return best_places(cells, jnp.broadcast_to(jnp.arange(columns), cells.shape), k, error)
    blocks = lax.top_k(cells.reshape(rows, -1, BLOCK).max(-1), k + SPARE)[1]
    places = (blocks[:, :, None] * BLOCK + jnp.arange(BLOCK)).reshape(rows, -1)
    return best_places(jnp.take_along_axis(cells, places, axis=1), places, k, error)


def column_places(swept: Sweep, valid: int, k: int, error: Float[Array, ""]) -> BestPlaces:
    """`best_places` of the columns, from the highest of every block of rows."""
    blocks = lax.top_k(swept.states.T, min(k + SPARE, len(swept.states)))[1]
    places = (blocks[:, :, None] * BLOCK + jnp.arange(BLOCK)).reshape(len(blocks), -1)
    cells = swept.similarity[places, jnp.arange(len(blocks))[:, None]]
    return best_places(jnp.where(places < valid, cells, -jnp.inf), places, k, error)


def penalty_of(
    factors: Factors, line: Int[Array, "line best"], column: Int[Array, "line best"], inside: Array, tiling: Tiling
) -> Float[Array, " line"]:
    """Half the mean of the k highest cells of each line, those at (line, column) where they are inside."""
    cells = cells_again(factors, line.ravel(), column.ravel(), line.size, tiling.gathered).reshape(inside.shape)
    return bounded(sum_of_best(jnp.where(inside, cells, -jnp.inf), tiling.k) / tiling.k / 2)


def ranker(tiling: Tiling) -> jax.stages.Wrapped:
    """`ranks.rank_both`, or the function of the same arguments that serves the faster mode of a tiling."""
    return rank_fast if supports(tiling) else ranks.rank_both


@partial(jax.jit, static_argnames=("tiling", "valid"), donate_argnames=("buffer",))
def rank_fast(buffer: Float[Array, "row column"], *pair: Array, tiling: Tiling, valid: int) -> BothRanked:
    """As `ranks.rank_both`, whose source, target, answers and answers_back are the `pair`."""
    source, target, answers, answers_back = pair
    factors = split(source, target)
    swept = sweep(buffer, factors, tiling, valid)
    penalties = all_penalties(factors, swept, tiling, valid)
    counted = count(factors, swept.similarity, penalties, Answers(answers, answers_back), tiling, valid)
    exact = partial(ranks.rank_both, tiling=tiling, valid=valid)
    return lax.cond(
        counted.decided & swept.best.sure & penalties.sure,
        lambda kept: BothRanked(kept, counted.source_to_target, counted.target_to_source),
        lambda kept: exact(kept, *pair),
        swept.similarity,
    )


def sweep(buffer: Float[Array, "row column"], factors: Factors, tiling: Tiling, valid: int) -> Sweep:
    """The similarity from bfloat16 products, and where its highest cells are."""
    height, width, tile = len(factors.source), len(factors.target), tiling.tile
    outside = jnp.where(jnp.arange(width) < valid, 0, -jnp.inf).astype(jnp.float32)
    below = jnp.where(jnp.arange(height) < valid, 0, -jnp.inf).astype(jnp.float32)

    def measure(index: Array, carry: Sweep) -> Sweep:
        kept, states, (places, sure) = carry
        start = index * tile
        left = lax.dynamic_slice_in_dim(factors.left, start, tile, 0)
        cells = lax.dot_general(left, factors.right, (((1,), (1,)), ((), ())), preferred_element_type=jnp.float32)
        counted = cells + lax.dynamic_slice_in_dim(below, start, tile, 0)[:, None]
        kept = lax.dynamic_update_slice_in_dim(kept, cells, start, 0)
        if tiling.retrieval == "csls":
            rows = row_places(cells + outside, tiling.k, factors.error)
            state = counted.reshape(-1, BLOCK, width).max(1)
            states = lax.dynamic_update_slice_in_dim(states, state, index * len(state), 0)
            places = lax.dynamic_update_slice_in_dim(places, rows.places.astype(jnp.int32), start, 0)
            sure &= rows.sure
        return Sweep(kept, states, BestPlaces(places, sure))

    wide = min(tiling.k + SPARE, width)
    nowhere = BestPlaces(jnp.zeros((height, wide), jnp.int32), jnp.array(True))
    start_carry = Sweep(buffer, jnp.zeros((height // BLOCK, width), jnp.float32), nowhere)
    return lax.fori_loop(0, height // tile, measure, start_carry)


def all_penalties(factors: Factors, swept: Sweep, tiling: Tiling, valid: int) -> Penalties:
    """Penalties of all rows and columns in float32."""
    height, width = swept.similarity.shape
    line, column = jnp.arange(height), jnp.arange(width)
    rows_out, columns_out = jnp.where(line < valid, 0.0, jnp.inf), jnp.where(column < valid, 0.0, jnp.inf)
    if tiling.retrieval == "nn":
        return Penalties(rows_out, columns_out, jnp.array(True))
    places = swept.best.places
    lines = jnp.broadcast_to(line[:, None], places.shape)
    row_pen = penalty_of(factors, lines, places, places < valid, tiling)
    places_back, sure = column_places(swept, valid, tiling.k, factors.error)
    columns = jnp.broadcast_to(column[:, None], places_back.shape)
    col_pen = penalty_of(factors, places_back, columns, places_back < valid, tiling)
    return Penalties(row_pen + rows_out, col_pen + columns_out, sure)


def count(
    factors: Factors,
    kept: Float[Array, "row column"],
    penalties: Penalties,
    answers: Answers,
    tiling: Tiling,
    valid: int,
) -> Counted:
    """Ranks of both directions."""
    (height, width), tile, error = kept.shape, tiling.tile, factors.error
    (row_pen, col_pen, _), (answers_rows, answers_columns) = penalties, answers
    line_of, column_of = jnp.arange(height, dtype=jnp.int32), jnp.arange(width, dtype=jnp.int32)
    right = cells_again(factors, line_of, answers_rows, height, tiling.gathered)
    right_back = cells_again(factors, answers_columns, column_of, width, tiling.gathered)
    limit, limit_back = right - col_pen[answers_rows], right_back - row_pen[answers_columns]
    most = min(tile * width, 4 * (tile + width) + tile * width // LISTED)  # cells that can be made again

    def count_tile(index: Array, carry: tuple[Ranked, Ranked, Array, Array]) -> tuple[Ranked, Ranked, Array, Array]:
        to_target, to_source, highest_back, decided = carry
        start = index * tile
        cells = lax.dynamic_slice_in_dim(kept, start, tile, 0)
        scores = cells - col_pen
        scores_back = cells - lax.dynamic_slice_in_dim(row_pen, start, tile, 0)[:, None]
        bound = lax.dynamic_slice_in_dim(limit, start, tile, 0)[:, None]
        near, near_back = jnp.abs(scores - bound) <= error, jnp.abs(scores_back - limit_back) <= error
        asked = near | near_back
        if tiling.best:
            asked |= scores >= scores.max(1, keepdims=True) - 2 * error
            asked |= scores_back >= jnp.maximum(scores_back.max(0) - 2 * error, highest_back - error)
        asked &= (jnp.arange(tile)[:, None] + start < valid) & (column_of < valid)
        many = asked.sum()
        at, column = jnp.nonzero(asked, size=most, fill_value=0)
        line, listed = at + start, jnp.arange(most) < many
        again = cells_again(factors, line, column, jnp.minimum(many, most), tiling.gathered)
        score, score_back = again - col_pen[column], again - row_pen[line]
        doubt = listed & near[at, column] & (column != answers_rows[line])
        doubt_back = listed & near_back[at, column] & (line != answers_columns[column])
        zero = jnp.zeros(tile, jnp.int32)
        rank = count_above(scores, bound + error, 1).at[at].add(doubt & (score > limit[line]))
        rank_back = to_source.rank + count_above(scores_back, limit_back + error, 0)
        rank_back = rank_back.at[column].add(doubt_back & (score_back > limit_back[column]))
        best, ties = zero, zero
        if tiling.best:
            ties = zero.at[at].add(doubt & (score == limit[line]))
            best = first_best(at, column, jnp.where(listed, score, -jnp.inf), tile, width).place
            ties_back = to_source.ties.at[column].add(doubt_back & (score_back == limit_back[column]))
            back = first_best(column, line, jnp.where(listed, score_back, -jnp.inf), width, height)
            best_back = jnp.where(back.score > highest_back, back.place, to_source.best)
            to_source = Ranked(rank_back, best_back, ties_back)
            highest_back = jnp.maximum(highest_back, back.score)
        to_source = to_source._replace(rank=rank_back)
        parts = zip(to_target, (rank, best, ties), strict=True)
        to_target = Ranked(*(lax.dynamic_update_slice_in_dim(old, new, start, 0) for old, new in parts))
        return to_target, to_source, highest_back, decided & (many <= most)

    whole = partial(jnp.zeros, dtype=jnp.int32)
    carry = (
        Ranked(*(whole(height) for _ in range(3))),
        Ranked(*(whole(width) for _ in range(3))),
        jnp.full(width, -jnp.inf, jnp.float32),
        jnp.array(True),
    )
    to_target, to_source, _, decided = lax.fori_loop(0, height // tile, count_tile, carry)
    return Counted(to_target._replace(rank=to_target.rank + 1), to_source._replace(rank=to_source.rank + 1), decided)


class Highest(NamedTuple):
    """The highest score of each line, and the first place that has it."""

    score: Float[Array, " line"]
    place: Int[Array, " line"]


def first_best(line: Array, place: Array, score: Array, lines: int, none: int) -> Highest:
    """The highest cell of each line, from a list of cells; `none` where the list has no cell of it."""
    top = jnp.full(lines, -jnp.inf, jnp.float32).at[line].max(score)
    place = jnp.where(score == top[line], place, none).astype(jnp.int32)
    return Highest(top, jnp.full(lines, none, jnp.int32).at[line].min(place))
