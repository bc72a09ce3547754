"""Retrieval of word translations: a source and a target vocabulary of different sizes, several right answers a query.

MUSE's and vecmap's task (`.dict` files of word pairs), to 200,000 words a side within a memory budget. A query's rank
is 1 + the candidates that score strictly higher than its best right answer; other right answers are never in the way.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int

from jaxalign.neighbours import BLOCK, neighbourhood
from jaxalign.retrieve import Ranked, bounded
from jaxalign.types import InputError

ROWS = 400  # rows of a tile
LAZY = 0.1  # share of the sources that bound a neighbourhood from below, and of queries up to which that pays
STEP = 4096  # columns are padded to a multiple, so that few shapes are compiled


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


def padded(rows: jax.Array, multiple: int) -> jax.Array:
    """Rows followed by rows of zeros up to a multiple."""
    return jnp.pad(rows, ((0, -len(rows) % multiple), (0, 0)))


def radii(source: jax.Array, target: jax.Array, csls_k: int, memory_budget: int) -> Float[Array, " column"]:
    """r of every target row over all source rows, in as many segments of targets as the budget asks for."""
    tile = min(ROWS, -(-len(source) // BLOCK) * BLOCK)
    rows, source = len(source), padded(source, tile)
    segment = max(STEP, memory_budget // 2 // (len(source) // BLOCK * 4) // STEP * STEP)
    found = []
    for start in range(0, len(target), segment):
        part = target[start : start + segment]
        whole = padded(part, STEP if len(target) > STEP else STEP // 8)
        found.append(neighbourhood(source, whole, rows, csls_k, tile)[: len(part)])
    return jnp.concatenate(found)


@partial(jax.jit, static_argnames=("tile", "best"))
def count(
    queries: Float[Array, "query feature"],
    target: Float[Array, "column feature"],
    penalty: Float[Array, " column"],
    answers: Int[Array, "query answer"],
    tile: int,
    best: bool,
) -> Ranked:
    """Ranks of all queries, `tile` of them at a time; without `best` the best candidates and ties are left 0.

    Right answers are scored in the same product as all others; the best of them is the mark to beat.
    """

    def one(index, found):
        start = index * tile
        scores, bound = marked(queries, target, penalty, answers, start, tile)
        parts = [(scores > bound).sum(1, dtype=jnp.int32) + 1]
        if best:
            top = scores.max(1, keepdims=True)
            parts += [
                jnp.where(scores == top, jnp.arange(len(target), dtype=jnp.int32), len(target)).min(1),
                (scores == bound).sum(1, dtype=jnp.int32) - 1,
            ]
        new = [lax.dynamic_update_slice_in_dim(old, part, start, 0) for old, part in zip(found, parts, strict=False)]
        return Ranked(*new, *found[len(new) :])

    return lax.fori_loop(0, len(queries) // tile, one, Ranked(*(jnp.zeros(len(queries), jnp.int32) for _ in range(3))))


def marked(queries, target, penalty, answers, start, tile: int) -> tuple[jax.Array, jax.Array]:
    """Scores of `tile` queries from `start` on, (query, column), and the best right score of each, (query, 1)."""
    cells = jnp.matmul(lax.dynamic_slice_in_dim(queries, start, tile, 0), target.T, precision=lax.Precision.HIGHEST)
    own = lax.dynamic_slice_in_dim(answers, start, tile, 0)
    return cells - penalty, (jnp.take_along_axis(cells, own, axis=1) - penalty[own]).max(1, keepdims=True)


@partial(jax.jit, static_argnames="tile")
def rivals(queries, target, penalty, answers, tile: int) -> jax.Array:
    """Which columns score higher than the best right answer of some query."""

    def one(index, found):
        scores, bound = marked(queries, target, penalty, answers, index * tile, tile)
        return found | (scores > bound).any(0)

    return lax.fori_loop(0, len(queries) // tile, one, jnp.zeros(len(target), bool))


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
) -> Ranked:
    """Rank, best candidate and ties of each query: `source` is mapped, and both are unit rows.

    queries: source rows; answers: their right target rows (query, answer). Candidates are all target rows, r of CSLS
    runs over all source rows. With few queries r is made exactly only for candidates that may still win: r over some
    of the sources is a lower bound of r, and one that does not beat the right answer even with that bound never will.
    Raises InputError for rows out of range.
    """
    source, target = jnp.asarray(source, jnp.float32), jnp.asarray(target, jnp.float32)
    check(source, target, queries, answers, retrieval, csls_k)
    tile = min(ROWS, len(queries))
    asked = padded(source[queries], tile)
    wanted = jnp.asarray(np.pad(answers, ((0, len(asked) - len(answers)), (0, 0)), mode="edge"))
    few = retrieval == "csls" and len(queries) <= LAZY * len(source) and len(source) * LAZY >= csls_k
    if retrieval == "nn":
        penalty = jnp.zeros(len(target), jnp.float32)
    elif few:
        penalty = lazy_penalty(source, target, asked, wanted, tile, csls_k, memory_budget)
    else:
        penalty = bounded(radii(source, target, csls_k, memory_budget) / 2)
    found = count(asked, target, penalty, wanted, tile, best)
    return Ranked(*(part[: len(queries)] for part in found))


def lazy_penalty(source, target, asked, wanted, tile: int, csls_k: int, memory_budget: int) -> jax.Array:
    """Penalties, exact for every right answer and every candidate that may beat one, a lower bound elsewhere."""
    some = source[:: round(1 / LAZY)]
    penalty = bounded(radii(some, target, csls_k, memory_budget) / 2)
    exact = np.zeros(len(target), bool)
    needed = np.unique(np.asarray(wanted))
    while len(needed):
        penalty = penalty.at[needed].set(bounded(radii(source, target[needed], csls_k, memory_budget) / 2))
        exact[needed] = True
        needed = np.flatnonzero(np.asarray(rivals(asked, target, penalty, wanted, tile)) & ~exact)
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
