"""The rows that are candidates, and the ranks of a pair's queries among them."""

from threading import Lock
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxalign.evaluation.request import Request
from jaxalign.retrieval import csls, ranks, ranks_bfloat16


def tiling(rows: int, request: Request, workers: int) -> tuple[int, ranks.Plan]:
    """(padded rows, plan): tiles of `request.tile` rows or fewer; the similarity is kept if it fits half the budget."""
    share = request.memory_budget // workers
    keep = (rows + request.tile) ** 2 * 4 <= share // 2
    height = max(csls.BLOCK, min(request.tile, share // (48 * rows)))  # a twelfth of the share
    tiles = -(-rows // height)
    tile = -(-rows // tiles // csls.BLOCK) * csls.BLOCK
    maxima = (tiles * tile) ** 2 // csls.BLOCK * 6 <= share * 3 // 4  # they are copied once, in part
    gathered = max(1, min(1 << 23, share // 64))
    fast = request.precision == "fast"
    return tiles * tile, ranks.Plan(request.retrieval, request.csls_k, tile, keep, maxima, request.best, gathered, fast)


class Buffers:
    """Similarities to write over: a fresh one costs a page fault for every 4 KiB."""

    def __init__(self, size: int):
        self.size, self.lock = size, Lock()
        self.free: list[jax.Array] = []

    def take(self) -> jax.Array:
        with self.lock:
            return self.free.pop() if self.free else jnp.zeros((self.size, self.size), jnp.float32)

    def give(self, buffer: jax.Array) -> None:
        with self.lock:
            self.free.append(buffer)


class Pool(NamedTuple):
    """The rows that are candidates, the same for every language."""

    rows: np.ndarray
    place: np.ndarray  # place[row] is its position in `rows`
    plan: ranks.Plan
    buffers: Buffers

    def results(self, ranked: ranks.Ranked, request: Request) -> np.ndarray:
        """(rank, best, ties) of the test rows, (3, query), best as a row of the spaces."""
        table = np.stack([np.asarray(part) for part in ranked])[:, self.place[request.test]]
        table[1] = self.rows[np.minimum(table[1], len(self.rows) - 1)]
        return table


def make_pool(concepts: int, request: Request, workers: int) -> Pool:
    rows = np.arange(concepts) if request.candidates == "all" else request.test
    place = np.zeros(concepts, np.int32)
    place[rows] = np.arange(len(rows))
    padded, plan = tiling(len(rows), request, workers)
    return Pool(rows, place, plan, Buffers(padded))


def answers(forth: np.ndarray, back: np.ndarray, pool: Pool, request: Request) -> np.ndarray:
    """Places in the pool of the right answer of each row, forth and back; itself where a row is no query."""
    found = np.tile(np.arange(pool.buffers.size, dtype=np.int32), (2, 1))
    found[:, pool.place[request.test]] = pool.place[forth], pool.place[back]
    return found


def score(sources, targets, forth, back, pool: Pool, request: Request) -> tuple[np.ndarray, np.ndarray]:
    """(rank, best, ties) of the test rows forth and back, each (3, query); best as a row of the spaces."""
    rows, marks = len(pool.rows), answers(forth, back, pool, request)
    buffer = pool.buffers.take() if pool.plan.keep else None
    rank_both = ranks_bfloat16.ranker(pool.plan)
    buffer, there, again = rank_both(buffer, sources, targets, *marks, plan=pool.plan, rows=rows, columns=rows)
    found = pool.results(there, request), pool.results(again, request)
    if buffer is not None:
        pool.buffers.give(buffer)
    return found
