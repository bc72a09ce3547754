"""CSLS ranks of a vocabulary's queries from one sweep over the similarity, where the definition asks for two.

r of a target runs over all sources, so a tile of targets against all sources knows its own r at once and with it its
scores. What a tile does not know is the score of a query's right answer, whose r belongs to another tile. So that
score is estimated first: r of the answers over a twentieth of the sources, corrected by a least-squares fit on a few
answers whose r is made exactly. The sweep counts the candidates above the estimate less its error, and those above the
estimate plus its error. Where the true score, known after the sweep, lies between the two and nothing but the right
answer does, the count is the rank: exact, however good the estimate was. All other queries are for a second sweep of
their own.
"""

from collections.abc import Callable
from functools import partial, reduce
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from jaxalign.retrieval.csls import BLOCK, mean_of_best, radii
from jaxalign.retrieval.ranks import bounded

SHARE = 20  # one source in so many bounds r from below
PILOT = 800  # answers whose r is made exactly, to learn how far the bound is off
ROWS = 16  # rows counted at once: their cells stay in the cache; ten times as fast as 400


class Found(NamedTuple):
    """State of a sweep: one value a query."""

    limit: Float[Array, " query"]  # score of the best right answer met so far
    above: Int[Array, " query"]  # candidates above the upper bound of the estimate
    within: Int[Array, " query"]  # candidates above the lower one
    top: Float[Array, " query"]  # score of the best candidate
    best: Int[Array, " query"]  # the first of the ROWS rows that it stands among


def right_similarity(
    asked: Float[Array, "query feature"], target: Float[Array, "target feature"], answers: Int[Array, "query answer"]
) -> Float[Array, "query answer"]:
    """Similarity of each query to its right answers, one answer of all queries at a time."""

    def one(column):
        return jnp.einsum("qf,qf->q", asked, target[column], precision=lax.Precision.HIGHEST)

    return lax.map(one, answers.T).T


@jax.jit
def best_row(
    asked: Float[Array, "query feature"],
    target: Float[Array, "target feature"],
    penalty: Float[Array, " target"],
    first: Int[Array, " query"],
) -> Int[Array, " query"]:
    """Row of the highest score of each query among the ROWS targets from `first` on; of equal ones the first."""

    def one(pair):
        query, start = pair
        rows = jnp.minimum(start + jnp.arange(ROWS, dtype=jnp.int32), len(target) - 1)
        scores = jnp.matmul(target[rows], query, precision=lax.Precision.HIGHEST) - penalty[rows]
        return rows[scores.argmax()]

    return lax.map(one, (asked, first), batch_size=256)


def bracket(source, target, asked, answers: np.ndarray, k: int, tile: int) -> tuple[np.ndarray, np.ndarray]:
    """(low, high) that the score of each query's best right answer most likely lies between."""
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
    return score - error, score + error


@partial(jax.jit, static_argnames=("k", "valid", "best"), donate_argnames=("buffer", "found"), keep_unused=True)
def step(
    buffer: Float[Array, "row column"],
    found: Found,
    rows: Float[Array, "row feature"],
    columns: Float[Array, "column feature"],
    bounds: Float[Array, "bound query"],
    answers: Int[Array, "query answer"],
    start: Int[Array, ""],
    used: Int[Array, ""],
    k: int,
    valid: int,
    best: bool,
) -> tuple[Float[Array, "row column"], Float[Array, " row"], Found]:
    """(buffer, penalties of these targets, found) after the targets from row `start` on, `used` of them no padding.

    The first columns are the queries, those from `valid` on padding. `buffer` lends its memory to the similarity:
    fresh memory costs more than half the product.
    """
    cells = jnp.matmul(rows, columns.T, precision=lax.Precision.HIGHEST)
    penalty = bounded(mean_of_best(cells, k, valid) / 2)
    penalty = jnp.where(jnp.arange(len(rows)) < used, penalty, jnp.inf)
    queries = len(found.limit)
    place = jnp.clip(answers - start, 0, len(rows) - 1)
    inside = (answers >= start) & (answers < start + used)
    scores = cells[place, jnp.arange(queries)[:, None]] - penalty[place]
    found = found._replace(limit=jnp.maximum(found.limit, jnp.where(inside, scores, -jnp.inf).max(1)))

    def count(index, found):
        line = index * ROWS
        own = lax.dynamic_slice(cells, (line, 0), (ROWS, queries))
        own = own - lax.dynamic_slice_in_dim(penalty, line, ROWS, 0)[:, None]
        above = found.above + (own > bounds[1]).sum(0, dtype=jnp.int32)
        within = found.within + (own > bounds[0]).sum(0, dtype=jnp.int32)
        found = found._replace(above=above, within=within)
        if not best:
            return found
        top = reduce(jnp.maximum, own)  # a reduction over the first axis would not be vectorised
        first = jnp.where(top > found.top, (line + start).astype(jnp.int32), found.best)
        return found._replace(top=jnp.maximum(top, found.top), best=first)

    return cells, penalty, lax.fori_loop(0, len(rows) // ROWS, count, found)


def sweep(
    source: Float[Array, "source feature"],
    target: Float[Array, "target feature"],
    queries: np.ndarray,
    answers: np.ndarray,
    *,
    k: int,
    tile: int,
    best: bool,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Float[Array, " target"], Found, Bool[np.ndarray, " query"]]:
    """(penalty of every target, what was found, whether `above` + 1 is the rank of the query).

    source, target: unit rows; queries: source rows, each once; answers (query, answer): right target rows. `best` of
    what was found is a row. `progress(done, total)` is called with target rows.
    """
    asked = source[queries]
    bounds = np.stack(bracket(source, target, asked, answers, k, tile)).astype(np.float32)
    rest = np.setdiff1d(np.arange(len(source)), queries)
    columns = jnp.concatenate([asked, source[rest]])
    columns = jnp.pad(columns, ((0, -len(columns) % BLOCK), (0, 0)))
    count = len(queries)
    whole = partial(jnp.zeros, count, jnp.int32)
    found = Found(jnp.full(count, -jnp.inf), whole(), whole(), jnp.full(count, -jnp.inf), whole())
    buffer, penalties = jnp.zeros((tile, len(columns)), jnp.float32), []
    marks, limits = jnp.asarray(answers, jnp.int32), jnp.asarray(bounds)
    for start in range(0, len(target), tile):
        rows = target[start : start + tile]
        used = len(rows)
        rows = jnp.pad(rows, ((0, tile - used), (0, 0)))
        buffer, penalty, found = step(
            buffer, found, rows, columns, limits, marks, start, used, k=k, valid=len(source), best=best
        )
        penalties.append(penalty[:used])
        if progress:
            found.above.block_until_ready()
            progress(start + used, len(target))
    penalty = jnp.concatenate(penalties)
    if best:
        found = found._replace(best=best_row(asked, target, penalty, found.best))
    found = jax.device_get(found)
    alone = found.within - found.above == 1  # the right answer itself
    sure = alone & (bounds[0] < found.limit) & (found.limit <= bounds[1])
    return penalty, found, sure
