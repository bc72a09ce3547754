"""CSLS ranks of a vocabulary's queries from one sweep over the similarity, where the definition asks for two.

r of a target runs over all sources, so a tile of targets against all sources knows its own r at once and with it its
scores. What a tile does not know is the score of a query's right answer, whose r belongs to another tile. So that
score is estimated first: r of the answers over a twentieth of the sources, corrected by a least-squares fit on a few
answers whose r is made exactly. The sweep counts the candidates above the estimate less its error, and those above the
estimate plus its error. Where the true score, known after the sweep, lies between the two and no other candidate does,
the count is the rank: exact, however good the estimate was. All other queries need a second sweep of their own.
"""

from collections.abc import Callable
from functools import partial, reduce
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from jaxalign.retrieval.counting import bounded, count_above
from jaxalign.retrieval.csls import BLOCK, mean_of_best, radii

SHARE = 20  # one source in so many bounds r from below
PILOT = 800  # answers whose r is made exactly, to learn how far the bound is off
ROWS = 16  # rows counted at once: their cells stay in the cache; ten times as fast as 400


class State(NamedTuple):
    """What a sweep knows of each query."""

    limit: Float[Array, " query"]  # score of the best right answer met so far
    above: Int[Array, " query"]  # candidates above the upper bound of the estimate
    within: Int[Array, " query"]  # candidates above the lower one
    top: Float[Array, " query"]  # score of the best candidate
    best: Int[Array, " query"]  # the first of the ROWS rows that it is among


class Swept(NamedTuple):
    """Penalty of every target, the state after the sweep, and for which queries `above` + 1 is the rank."""

    penalty: Float[Array, " target"]
    state: State
    decided: Bool[np.ndarray, " query"]


class Step(NamedTuple):
    """The similarity's memory, the penalties of some targets, and the state after them."""

    buffer: Float[Array, "row column"]
    penalty: Float[Array, " row"]
    state: State


class Place(NamedTuple):
    """Number of the first of some target rows, and how many of them are no padding."""

    start: Int[Array, ""] | int
    used: Int[Array, ""] | int


class Asked(NamedTuple):
    """What stays the same over a sweep: the queries come first among the columns, padding last."""

    columns: Float[Array, "column feature"]
    bounds: Float[Array, "bound query"]  # the score of the right answer most likely lies between them
    answers: Int[Array, "query answer"]


def right_similarity(
    asked: Float[Array, "query feature"], target: Float[Array, "target feature"], answers: Int[Array, "query answer"]
) -> Float[Array, "query answer"]:
    """Similarity of each query to its right answers, one answer of all queries at a time."""

    def of_answer(column: Array) -> Array:
        return jnp.einsum("qf,qf->q", asked, target[column], precision=lax.Precision.HIGHEST)

    return lax.map(of_answer, answers.T).T


@jax.jit
def best_row(
    asked: Float[Array, "query feature"],
    target: Float[Array, "target feature"],
    penalty: Float[Array, " target"],
    first: Int[Array, " query"],
) -> Int[Array, " query"]:
    """Row of the highest score of each query among the ROWS targets from `first` on; of equal ones the first."""

    def of_query(pair: tuple[Array, Array]) -> Array:
        query, start = pair
        rows = jnp.minimum(start + jnp.arange(ROWS, dtype=jnp.int32), len(target) - 1)
        scores = jnp.matmul(target[rows], query, precision=lax.Precision.HIGHEST) - penalty[rows]
        return rows[scores.argmax()]

    return lax.map(of_query, (asked, first), batch_size=256)


def bracket(
    source: Float[Array, "source feature"],
    target: Float[Array, "target feature"],
    asked: Float[Array, "query feature"],
    answers: Int[np.ndarray, "query answer"],
    k: int,
    tile: int,
) -> Float[np.ndarray, "bound query"]:
    """Low and high bound that the score of each query's best right answer most likely lies between."""
    some = source[::SHARE]
    known = np.unique(answers)
    low = np.zeros(len(target), np.float32)
    low[known] = radii(target[known], some, min(k, len(some)), tile)
    similarity = np.asarray(right_similarity(asked, target, jnp.asarray(answers)))
    pilot = np.random.default_rng(0).permutation(similarity.size)[:PILOT]
    exact = np.asarray(radii(target[answers.ravel()[pilot]], source, k, tile))
    features = np.stack([np.ones_like(similarity), low[answers], similarity], axis=-1)
    fitted = features.reshape(-1, 3)[pilot]
    weights = np.linalg.lstsq(fitted, exact, rcond=None)[0]
    error = np.abs(fitted @ weights - exact).max() / 2 + 1e-5
    score = (similarity - features @ weights / 2).max(1)
    return np.stack([score - error, score + error])


@partial(jax.jit, static_argnames=("k", "valid", "best"), donate_argnames=("buffer", "state"), keep_unused=True)
def step(
    buffer: Float[Array, "row column"],
    state: State,
    rows: Float[Array, "row feature"],
    asked: Asked,
    place: Place,
    k: int,
    valid: int,
    best: bool,
) -> Step:
    """The sweep after the target rows `rows`, which stand at `place`.

    Columns from `valid` on are padding. `buffer` lends its memory to the similarity: fresh memory costs more than half
    the product.
    """
    start, used = place
    cells = jnp.matmul(rows, asked.columns.T, precision=lax.Precision.HIGHEST)
    penalty = bounded(mean_of_best(cells, k, valid) / 2)
    penalty = jnp.where(jnp.arange(len(rows)) < used, penalty, jnp.inf)
    queries = len(state.limit)
    at = jnp.clip(asked.answers - start, 0, len(rows) - 1)
    inside = (asked.answers >= start) & (asked.answers < start + used)
    scores = cells[at, jnp.arange(queries)[:, None]] - penalty[at]
    state = state._replace(limit=jnp.maximum(state.limit, jnp.where(inside, scores, -jnp.inf).max(1)))

    def count(index: Array, state: State) -> State:
        line = index * ROWS
        own = lax.dynamic_slice(cells, (line, 0), (ROWS, queries))
        own = own - lax.dynamic_slice_in_dim(penalty, line, ROWS, 0)[:, None]
        above = state.above + count_above(own, asked.bounds[1], 0)
        within = state.within + count_above(own, asked.bounds[0], 0)
        state = state._replace(above=above, within=within)
        if not best:
            return state
        top = reduce(jnp.maximum, own)  # a reduction over the first axis would not be vectorised
        first = jnp.where(top > state.top, (line + start).astype(jnp.int32), state.best)
        return state._replace(top=jnp.maximum(top, state.top), best=first)

    return Step(cells, penalty, lax.fori_loop(0, len(rows) // ROWS, count, state))


def sweep(
    source: Float[Array, "source feature"],
    target: Float[Array, "target feature"],
    queries: Int[np.ndarray, " query"],
    answers: Int[np.ndarray, "query answer"],
    *,
    k: int,
    tile: int,
    best: bool,
    progress: Callable[[int, int], None] | None = None,
) -> Swept:
    """One sweep over all targets.

    source, target: unit rows; queries: source rows, each once; answers (query, answer): right target rows. `best` of
    the state is a row. `progress(done, total)` is called with target rows.
    """
    asked = source[queries]
    bounds = bracket(source, target, asked, answers, k, tile).astype(np.float32)
    rest = np.setdiff1d(np.arange(len(source)), queries)
    columns = jnp.concatenate([asked, source[rest]])
    columns = jnp.pad(columns, ((0, -len(columns) % BLOCK), (0, 0)))
    count = len(queries)
    whole = partial(jnp.zeros, count, jnp.int32)
    state = State(jnp.full(count, -jnp.inf), whole(), whole(), jnp.full(count, -jnp.inf), whole())
    buffer, penalties = jnp.zeros((tile, len(columns)), jnp.float32), []
    given = Asked(columns, jnp.asarray(bounds), jnp.asarray(answers, jnp.int32))
    for start in range(0, len(target), tile):
        rows = target[start : start + tile]
        used = len(rows)
        rows = jnp.pad(rows, ((0, tile - used), (0, 0)))
        buffer, penalty, state = step(buffer, state, rows, given, Place(start, used), k=k, valid=len(source), best=best)
        penalties.append(penalty[:used])
        if progress:
            state.above.block_until_ready()
            progress(start + used, len(target))
    penalty = jnp.concatenate(penalties)
    if best:
        state = state._replace(best=best_row(asked, target, penalty, state.best))
    state = jax.device_get(state)
    only_right = state.within - state.above == 1
    return Swept(penalty, state, only_right & (bounds[0] < state.limit) & (state.limit <= bounds[1]))
