"""Retrieval of word translations: a source and a target vocabulary of different sizes, several right answers a query.

MUSE's and vecmap's task (`.dict` files of word pairs), to 200,000 words a side within a memory budget. A query's rank
is 1 + the candidates that score strictly higher than its best right answer; other right answers are never in the way.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int

from jaxalign.retrieval import vocabulary_one_pass
from jaxalign.retrieval.csls import BLOCK, radii, segments
from jaxalign.retrieval.ranks import Ranked, bounded
from jaxalign.types import InputError

ROWS, CELLS = 800, 40_000_000  # at most, of a tile
LAZY = 0.1  # share of the sources that bound a neighbourhood from below, and of queries up to which that pays
LARGE = 10**8  # cells from which on the estimate of `onesweep` costs less than it saves

Progress = Callable[[str, int, int], None]  # what, done, total


def read_pairs(
    path: str | Path, source_words: Sequence[str], target_words: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, int]:
    """(source rows, target rows, pairs left out) of a file with one "source target" pair a line, as MUSE's and
    vecmap's.

    Pairs with a word that the vocabulary lacks are left out. Raises InputError for a line of another form.
    """
    first, second = (dict(zip(reversed(words), range(len(words) - 1, -1, -1), strict=True))
                     for words in (source_words, target_words))  # fmt: skip
    found, missing = [], 0
    for number, line in enumerate(Path(path).read_text("utf-8").splitlines(), 1):
        words = line.split()
        if len(words) != 2:
            raise InputError(f"Expected two words in line {number} of {path}, got {line!r}. Mend --dictionary.")
        if words[0] in first and words[1] in second:
            found.append((first[words[0]], second[words[1]]))
        else:
            missing += 1
    if not found:
        raise InputError(f"Expected a pair of known words in {path}, got none. Mend --dictionary or --spaces.")
    rows = np.array(found, np.int64)
    return rows[:, 0], rows[:, 1], missing


def answer_table(source_rows: np.ndarray, target_rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(queries, right answers (query, answer)) of a dictionary's pairs; short rows repeat their last answer."""
    answers: Mapping[int, list[int]] = {}
    for query, answer in zip(source_rows.tolist(), target_rows.tolist(), strict=True):
        answers.setdefault(query, []).append(answer)  # type: ignore[attr-defined]
    width = max(map(len, answers.values()))
    table = [found + found[-1:] * (width - len(found)) for found in answers.values()]
    return np.array(list(answers), np.int64), np.array(table, np.int64)


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
) -> Ranked:
    """Ranks and ties of all queries; without `best` the best candidates are left 0."""
    found = []
    for start, part, tiles in segments(asked, tile):
        own = answers[start : start + len(part)]
        own = np.pad(own, ((0, len(part) - len(own)), (0, 0)), mode="edge")
        ranked = _count(part, target, penalty, jnp.asarray(own, jnp.int32), tiles, tile, best)
        found.append([np.asarray(values)[: len(asked) - start] for values in ranked])
        if progress:
            progress(min(start + len(part), len(asked)), len(asked))
    return Ranked(*(np.concatenate(parts) for parts in zip(*found, strict=True)))  # type: ignore[arg-type]


@partial(jax.jit, static_argnames=("tile", "best"))
def _count(queries, target, penalty, answers, tiles, tile: int, best: bool) -> Ranked:
    """Right answers are scored in the same product as all others; the best of them is the mark to beat."""

    def one(index, found):
        start = index * tile
        scores, bound = marked(queries, target, penalty, answers, start, tile)
        higher = (scores > bound).sum(1, dtype=jnp.int32)
        equal = (scores == bound).sum(1, dtype=jnp.int32)
        highest = jnp.zeros(tile, jnp.int32)
        if best:
            top = scores.max(1, keepdims=True)
            highest = jnp.where(scores == top, jnp.arange(len(target), dtype=jnp.int32), len(target)).min(1)
        parts = Ranked(higher + 1, highest, equal - right_at(scores, bound, answers, start, tile))
        return Ranked(
            *(lax.dynamic_update_slice_in_dim(old, part, start, 0) for old, part in zip(found, parts, strict=True))
        )

    return lax.fori_loop(0, tiles, one, Ranked(*(jnp.zeros(len(queries), jnp.int32) for _ in range(3))))


def marked(queries, target, penalty, answers, start, tile: int) -> tuple[jax.Array, jax.Array]:
    """Scores of `tile` queries from `start` on, (query, column), and the best right score of each, (query, 1)."""
    cells = jnp.matmul(lax.dynamic_slice_in_dim(queries, start, tile, 0), target.T, precision=lax.Precision.HIGHEST)
    own = lax.dynamic_slice_in_dim(answers, start, tile, 0)
    return cells - penalty, (jnp.take_along_axis(cells, own, axis=1) - penalty[own]).max(1, keepdims=True)


def right_at(scores, bound, answers, start, tile: int) -> jax.Array:
    """How many different right answers of each of `tile` queries score exactly `bound`."""
    own = lax.dynamic_slice_in_dim(answers, start, tile, 0)
    earlier = jnp.tril(jnp.ones((own.shape[1],) * 2, bool), -1)
    repeated = ((own[:, :, None] == own[:, None, :]) & earlier).any(2)
    return ((jnp.take_along_axis(scores, own, axis=1) == bound) & ~repeated).sum(1, dtype=jnp.int32)


@partial(jax.jit, static_argnames="tile")
def _rivals(queries, target, penalty, answers, tiles, used, tile: int) -> jax.Array:
    def one(index, found):
        start = index * tile
        scores, bound = marked(queries, target, penalty, answers, start, tile)
        bound = jnp.where(jnp.arange(tile)[:, None] + start < used, bound, jnp.inf)  # padding has no rivals
        return found | (scores > bound).any(0)

    return lax.fori_loop(0, tiles, one, jnp.zeros(len(target), bool))


def rivals(asked, target, penalty, answers: np.ndarray, tile: int) -> np.ndarray:
    """Which columns score higher than the best right answer of some query."""
    found = np.zeros(len(target), bool)
    for start, part, tiles in segments(asked, tile):
        own = answers[start : start + len(part)]
        used = len(own)
        own = np.pad(own, ((0, len(part) - used), (0, 0)), mode="edge")
        found |= np.asarray(_rivals(part, target, penalty, jnp.asarray(own, jnp.int32), tiles, used, tile))
    return found


def ranks(
    source: Float[Array, "source feature"],
    target: Float[Array, "target feature"],
    queries: np.ndarray,
    answers: np.ndarray,
    *,
    retrieval: str = "csls",
    csls_k: int = 10,
    memory_budget: int = 4 << 30,
    best: bool = True,
    progress: Progress | None = None,
) -> Ranked:
    """Rank, best candidate and ties of each query: `source` is mapped, and both are unit rows.

    queries: source rows; answers: their right target rows (query, answer). Candidates are all target rows, r of CSLS
    runs over all source rows. With few queries r is made exactly only for candidates that may still win: r over some
    of the sources is a lower bound of r, and one that does not beat the right answer even with that bound never will.
    With many, one sweep makes r and most of the ranks (`onesweep`). `progress(what, done, total)` is called on the way.
    `ties` counts the candidates that are no right answer and score exactly as the best right one; `best` without its
    flag is 0. Raises InputError for rows out of range.
    """
    source, target = jnp.asarray(source, jnp.float32), jnp.asarray(target, jnp.float32)
    check(source, target, queries, answers, retrieval, csls_k)
    queries, answers = np.asarray(queries), np.asarray(answers)
    tile = tile_rows(max(len(source), len(target)), memory_budget)
    told = (lambda what: partial(progress, what)) if progress else (lambda what: None)
    asked = source[queries]
    few = len(queries) <= LAZY * len(source) and len(source) * LAZY >= csls_k
    if retrieval == "nn":
        penalty = jnp.zeros(len(target), jnp.float32)
    elif few:
        penalty = lazy_penalty(source, target, asked, answers, tile, csls_k)
    elif len(source) * len(target) >= LARGE:
        del asked
        return in_one_sweep(source, target, queries, answers, csls_k, tile, best, told)
    else:
        penalty = bounded(radii(target, source, csls_k, tile, told("neighbourhoods")) / 2)
    return count(asked, target, penalty, answers, tile, best, told("ranks"))


def in_one_sweep(source, target, queries, answers, csls_k: int, tile: int, best: bool, told) -> Ranked:
    """Ranks of many queries: from one sweep where that decides them, the others by another of their own."""
    once = np.sort(np.unique(queries, return_index=True)[1])  # a query that is asked twice is swept once
    penalty, found, sure = vocabulary_one_pass.sweep(
        source, target, queries[once], answers[once], k=csls_k, tile=tile, best=best, progress=told("sweep")
    )
    table = np.zeros((3, len(queries)), np.int32)
    table[0, once] = found.above + 1
    if best:
        table[1, once] = found.best
    again = np.setdiff1d(np.arange(len(queries)), once[sure])
    if len(again):
        table[:, again] = count(
            source[queries[again]], target, penalty, answers[again], tile, best, told("second sweep")
        )
    return Ranked(*table)


def lazy_penalty(source, target, asked, answers, tile: int, csls_k: int) -> jax.Array:
    """Penalties, exact for every right answer and every candidate that may beat one, a lower bound elsewhere."""
    penalty = bounded(radii(target, source[:: round(1 / LAZY)], csls_k, tile) / 2)
    exact = np.zeros(len(target), bool)
    needed = np.unique(answers)
    while len(needed):
        penalty = penalty.at[needed].set(bounded(radii(target[needed], source, csls_k, tile) / 2))
        exact[needed] = True
        needed = np.flatnonzero(rivals(asked, target, penalty, answers, tile) & ~exact)
    return penalty


def check(source, target, queries, answers, retrieval: str, csls_k: int) -> None:
    """InputError for shapes, rows and k that do not fit."""
    if source.ndim != 2 or target.ndim != 2 or source.shape[1] != target.shape[1]:
        raise InputError(f"Expected two vocabularies of one width, got {source.shape}, {target.shape}. Mend --spaces.")
    if not np.isfinite(float(source.sum() + target.sum())):
        raise InputError("Expected finite vectors, got NaN or infinity. Mend the files of --spaces.")
    if np.ndim(answers) != 2 or len(answers) != len(queries) or not np.size(answers):
        raise InputError(f"Expected right answers (query, answer), got {np.shape(answers)}. Use answer_table.")
    for rows, size, what in ((queries, len(source), "queries"), (answers, len(target), "answers")):
        if np.min(rows) < 0 or np.max(rows) >= size:
            raise InputError(
                f"Expected {what} from 0 to {size - 1}, got {np.min(rows)}..{np.max(rows)}. Mend --dictionary."
            )
    if retrieval not in ("csls", "nn"):
        raise InputError(f"Expected csls or nn for a dictionary, got {retrieval!r}. Mend --retrieval.")
    if retrieval == "csls" and not 1 <= csls_k <= len(source):
        raise InputError(f"Expected --csls_k from 1 to {len(source)}, the source words, got {csls_k}. Lower it.")
