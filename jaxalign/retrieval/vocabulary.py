"""Retrieval of word translations: two vocabularies of different sizes, several right answers per query.

MUSE's and vecmap's task (`.dict` files of word pairs), up to 200,000 words per language within a memory budget. A
query's rank is 1 + the candidates that score strictly higher than its best right answer; other right answers never
lower it.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TypedDict, Unpack

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from jaxalign.retrieval import vocabulary_one_pass, vocabulary_pallas
from jaxalign.retrieval.counting import best_of_rows, bounded, count_above, count_equal
from jaxalign.retrieval.csls import BLOCK, check_k, radii, segments
from jaxalign.types import InputError

ROWS, CELLS = 800, 40_000_000  # at most, of a tile
LAZY = 0.1  # share of the sources that bound a neighbourhood from below, and of queries up to which that pays
LARGE = 10**8  # cells from which on the estimate of `vocabulary_one_pass` costs less than it saves

Progress = Callable[[str, int, int], None]  # what, done, total


class WordRanks(NamedTuple):
    """Per query: rank from 1, row of the best candidate, and how many wrong and right ones share the answer's score."""

    rank: Int[np.ndarray, " query"]
    best: Int[np.ndarray, " query"]
    ties: Int[np.ndarray, " query"]  # wrong candidates that score exactly as the best right answer
    answers: Int[np.ndarray, " query"]  # right ones that do, 1 or more


class Counted(NamedTuple):
    """As WordRanks, on the device."""

    rank: Int[Array, " query"]
    best: Int[Array, " query"]
    ties: Int[Array, " query"]
    answers: Int[Array, " query"]


class AnswerTable(NamedTuple):
    """The queries of a dictionary and their right answers."""

    queries: np.ndarray  # (query,) source rows
    answers: np.ndarray  # (query, answer) target rows; short rows repeat their last answer


def answer_table(source_rows: np.ndarray, target_rows: np.ndarray) -> AnswerTable:
    """(queries, right answers (query, answer)) of a dictionary's pairs; short rows repeat their last answer."""
    answers: dict[int, list[int]] = {}
    for query, answer in zip(source_rows.tolist(), target_rows.tolist(), strict=True):
        answers.setdefault(query, []).append(answer)
    width = max(map(len, answers.values()))
    table = [own + own[-1:] * (width - len(own)) for own in answers.values()]
    return AnswerTable(np.array(list(answers), np.int64), np.array(table, np.int64))


def tile_rows(columns: int, memory_budget: int) -> int:
    """Rows of a tile: at most ROWS and CELLS, fewer where eight copies of it would not fit the budget."""
    return min(ROWS, max(BLOCK, min(CELLS, memory_budget // 32) // columns // BLOCK * BLOCK))


def count(
    asked: Float[Array, "query feature"],
    target: Float[Array, "column feature"],
    penalty: Float[Array, " column"],
    answers: Int[np.ndarray, "query answer"],
    tile: int,
    best: bool,
    progress: Callable[[int, int], None] | None = None,
) -> WordRanks:
    """Ranks and ties of all queries; without `best` the best candidates are left 0."""
    ranked: list[list[np.ndarray]] = []
    for start, part, tiles in segments(asked, tile):
        own = answers[start : start + len(part)]
        own = np.pad(own, ((0, len(part) - len(own)), (0, 0)), mode="edge")
        segment = _count(part, target, penalty, jnp.asarray(own, jnp.int32), tiles, tile, best)
        ranked.append([np.asarray(values)[: len(asked) - start] for values in segment])
        if progress:
            progress(min(start + len(part), len(asked)), len(asked))
    return WordRanks(*(np.concatenate(parts) for parts in zip(*ranked, strict=True)))


@partial(jax.jit, static_argnames=("tile", "best"))
def _count(queries: Array, target: Array, penalty: Array, answers: Array, tiles: int, tile: int, best: bool) -> Counted:
    """Right answers are scored in the same product as all others; the best of them is the score to beat."""

    def count_tile(index: Array, counted: Counted) -> Counted:
        start = index * tile
        scored = score_tile(queries, target, penalty, answers, start, tile)
        highest = best_of_rows(scored.scores) if best else jnp.zeros(tile, jnp.int32)
        ties = count_equal(scored.scores, scored.right, 1) - scored.right_ties
        rank = count_above(scored.scores, scored.right, 1) + 1
        pairs = zip(counted, Counted(rank, highest, ties, scored.right_ties), strict=True)
        return Counted(*(lax.dynamic_update_slice_in_dim(old, part, start, 0) for old, part in pairs))

    return lax.fori_loop(0, tiles, count_tile, Counted(*(jnp.zeros(len(queries), jnp.int32) for _ in range(4))))


class Scored(NamedTuple):
    """Scores of some queries: of all candidates, of the best right answer, and the right answers that have it."""

    scores: Float[Array, "query column"]
    right: Float[Array, "query 1"]
    right_ties: Int[Array, " query"]


def score_tile(queries: Array, target: Array, penalty: Array, answers: Array, start: Array, tile: int) -> Scored:
    """The scores of `tile` queries from `start` on."""
    cells = jnp.matmul(lax.dynamic_slice_in_dim(queries, start, tile, 0), target.T, precision=lax.Precision.HIGHEST)
    own = lax.dynamic_slice_in_dim(answers, start, tile, 0)
    own_scores = jnp.take_along_axis(cells, own, axis=1) - penalty[own]
    right = own_scores.max(1, keepdims=True)
    earlier = jnp.tril(jnp.ones((own.shape[1],) * 2, bool), -1)
    repeated = ((own[:, :, None] == own[:, None, :]) & earlier).any(2)  # answers that fill a short row
    return Scored(cells - penalty, right, ((own_scores == right) & ~repeated).sum(1, dtype=jnp.int32))


@partial(jax.jit, static_argnames="tile")
def _rivals(
    queries: Array, target: Array, penalty: Array, answers: Array, tiles: int, used: int, tile: int
) -> Bool[Array, " column"]:
    def mark_tile(index: Array, higher: Array) -> Array:
        start = index * tile
        scored = score_tile(queries, target, penalty, answers, start, tile)
        padding = jnp.arange(tile)[:, None] + start >= used  # has no rivals
        return higher | (scored.scores > jnp.where(padding, jnp.inf, scored.right)).any(0)

    return lax.fori_loop(0, tiles, mark_tile, jnp.zeros(len(target), bool))


def rivals(
    asked: Float[Array, "query feature"],
    target: Float[Array, "column feature"],
    penalty: Float[Array, " column"],
    answers: Int[np.ndarray, "query answer"],
    tile: int,
) -> Bool[np.ndarray, " column"]:
    """Which columns score higher than the best right answer of some query."""
    higher = np.zeros(len(target), bool)
    for start, part, tiles in segments(asked, tile):
        own = answers[start : start + len(part)]
        used = len(own)
        own = np.pad(own, ((0, len(part) - used), (0, 0)), mode="edge")
        higher |= np.asarray(_rivals(part, target, penalty, jnp.asarray(own, jnp.int32), tiles, used, tile))
    return higher


class RankVocabulary(TypedDict, total=False):
    """The keyword options of `ranks`, with its defaults."""

    retrieval: str  # csls or nn; "csls"
    csls_k: int  # 10
    memory_budget: int  # bytes; 4 GiB
    best: bool  # also find the best candidate; True
    kernel: str  # auto and xla: compiled by XLA; pallas: on TPUs, the similarity stays on the chip; "auto"
    progress: Progress | None


def ranks(
    source: Float[Array | np.ndarray, "source feature"],
    target: Float[Array | np.ndarray, "target feature"],
    queries: Int[np.ndarray, " query"],
    answers: Int[np.ndarray, "query answer"],
    **options: Unpack[RankVocabulary],
) -> WordRanks:
    """Rank, best candidate and ties of each query: `source` is mapped, and both are unit rows.

    queries: source rows; answers: their right target rows (query, answer). Candidates are all target rows, r of CSLS
    runs over all source rows. With few queries r is made exactly only for candidates that may still win: r over some
    of the sources is a lower bound of r, and one that does not beat the right answer even with that bound never will.
    With many, one sweep makes r and most of the ranks (`vocabulary_one_pass`). `progress(what, done, total)` is called
    on the way. `ties` counts the candidates that are no right answer and score exactly as the best right one; `best`
    is 0 where it was not asked for. Raises InputError for rows out of range.
    """
    retrieval, csls_k = options.get("retrieval", "csls"), options.get("csls_k", 10)
    best, progress = options.get("best", True), options.get("progress")
    source, target = jnp.asarray(source, jnp.float32), jnp.asarray(target, jnp.float32)
    queries, answers = np.asarray(queries), np.asarray(answers)
    check(source, target, queries, answers)
    if retrieval not in ("csls", "nn"):
        raise InputError(f"Expected csls or nn for a dictionary, got {retrieval!r}. Fix --retrieval.")
    if retrieval == "csls":
        check_k(csls_k, len(source))
    if options.get("kernel", "auto") == "pallas":
        return _ranks_on_chip(source, target, queries, answers, csls_k if retrieval == "csls" else 0)
    tile = tile_rows(max(len(source), len(target)), options.get("memory_budget", 4 << 30))

    def step(what: str) -> Callable[[int, int], None] | None:
        return partial(progress, what) if progress else None

    few = len(queries) <= LAZY * len(source) and len(source) * LAZY >= csls_k
    if retrieval == "csls" and not few and len(source) * len(target) >= LARGE:
        return _ranks_in_one_sweep(source, target, queries, answers, csls_k, tile, best, step)
    asked = source[queries]
    if retrieval == "nn":
        penalty = jnp.zeros(len(target), jnp.float32)
    elif few:
        penalty = lazy_penalty(source, target, asked, answers, tile, csls_k)
    else:
        penalty = bounded(radii(target, source, csls_k, tile, step("neighbourhoods")) / 2)
    return count(asked, target, penalty, answers, tile, best, step("ranks"))


def _ranks_on_chip(source: Array, target: Array, queries: np.ndarray, answers: np.ndarray, csls_k: int) -> WordRanks:
    """Ranks by the kernels for TPUs, which elsewhere are only interpreted; without penalties where `csls_k` is 0."""
    interpret = jax.default_backend() != "tpu"
    penalty = jnp.zeros(len(target), jnp.float32)
    if csls_k:
        penalty = bounded(vocabulary_pallas.radii(target, source, csls_k, interpret) / 2)
    rows = jnp.asarray(answers, jnp.int32)
    counted = vocabulary_pallas.count(source[queries], target, penalty, rows, interpret)
    return WordRanks(*(np.asarray(part) for part in counted))


def _ranks_in_one_sweep(
    source: Array,
    target: Array,
    queries: np.ndarray,
    answers: np.ndarray,
    csls_k: int,
    tile: int,
    best: bool,
    step: Callable[[str], Callable[[int, int], None] | None],
) -> WordRanks:
    """Ranks of many queries: from one sweep where that decides them, the others from a second sweep of their own."""
    once = np.sort(np.unique(queries, return_index=True)[1])  # a query that is asked twice is swept once
    swept = vocabulary_one_pass.sweep(
        source, target, queries[once], answers[once], k=csls_k, tile=tile, best=best, progress=step("sweep")
    )
    table = np.zeros((4, len(queries)), np.int32)
    table[3] = 1  # a query that one sweep decides has nothing else at its answer's score
    table[0, once] = swept.state.above + 1
    if best:
        table[1, once] = swept.state.best
    again = np.setdiff1d(np.arange(len(queries)), once[swept.decided])
    if len(again):
        asked = source[queries[again]]
        table[:, again] = count(asked, target, swept.penalty, answers[again], tile, best, step("second sweep"))
    return WordRanks(*table)


def lazy_penalty(
    source: Float[Array, "source feature"],
    target: Float[Array, "target feature"],
    asked: Float[Array, "query feature"],
    answers: Int[np.ndarray, "query answer"],
    tile: int,
    csls_k: int,
) -> Float[Array, " target"]:
    """Penalties, exact for every right answer and every candidate that may beat one, a lower bound elsewhere."""
    penalty = bounded(radii(target, source[:: round(1 / LAZY)], csls_k, tile) / 2)
    exact = np.zeros(len(target), bool)
    needed = np.unique(answers)
    while len(needed):
        penalty = penalty.at[needed].set(bounded(radii(target[needed], source, csls_k, tile) / 2))
        exact[needed] = True
        needed = np.flatnonzero(rivals(asked, target, penalty, answers, tile) & ~exact)
    return penalty


def check(source: Array, target: Array, queries: np.ndarray, answers: np.ndarray) -> None:
    """InputError for shapes and rows that do not fit."""
    if source.ndim != 2 or target.ndim != 2 or source.shape[1] != target.shape[1]:
        raise InputError(f"Expected two vocabularies of one width, got {source.shape}, {target.shape}. Fix --spaces.")
    if not np.isfinite(float(source.sum() + target.sum())):
        raise InputError("Expected finite vectors, got NaN or infinity. Fix the files of --spaces.")
    if np.ndim(answers) != 2 or len(answers) != len(queries) or not np.size(answers):
        raise InputError(f"Expected right answers (query, answer), got {np.shape(answers)}. Use answer_table.")
    for rows, size, what in ((queries, len(source), "queries"), (answers, len(target), "answers")):
        if np.min(rows) < 0 or np.max(rows) >= size:
            raise InputError(
                f"Expected {what} from 0 to {size - 1}, got {np.min(rows)}..{np.max(rows)}. Fix --dictionary."
            )
