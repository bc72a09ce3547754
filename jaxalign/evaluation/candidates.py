"""The rows that are candidates, the memory of their similarities, and the ranks of a pair's queries among them."""

from collections.abc import Sequence
from threading import Lock
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Int

from jaxalign.alignment.reduced import AlignedPair
from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.evaluation.settings import Pairing
from jaxalign.retrieval import csls
from jaxalign.retrieval.counting import Ranked
from jaxalign.retrieval.penalties import Tiling
from jaxalign.retrieval.several import rank_each


class PairRanks(NamedTuple):
    """(rank, best, ties) of the test rows of a pair in one setting, each (3, query); best as a row of the spaces."""

    source_to_target: Int[np.ndarray, "3 query"]
    target_to_source: Int[np.ndarray, "3 query"]


class Padding(NamedTuple):
    """How many rows a similarity has with its padding, and how it is worked through."""

    rows: int
    tiling: Tiling


def choose_tiling(rows: int, options: AlignmentOptions, workers: int) -> Padding:
    """Tiles of `options.tile` rows or fewer; the similarity is kept if it fits half of a worker's memory budget."""
    share = options.memory_budget // workers
    keep = (rows + options.tile) ** 2 * 4 <= share // 2
    height = max(csls.BLOCK, min(options.tile, share // (48 * rows)))  # a twelfth of the share
    tiles = -(-rows // height)
    tile = -(-rows // tiles // csls.BLOCK) * csls.BLOCK
    maxima = (tiles * tile) ** 2 // csls.BLOCK * 6 <= share * 3 // 4  # they are copied once, in part
    gathered = max(1, min(1 << 23, share // 64))
    fast = options.precision == "fast"
    tiling = Tiling(options.retrieval, options.neighbours, tile, keep, maxima, options.best, gathered, fast)
    return Padding(tiles * tile, tiling)


class Buffers:
    """Similarities to write over: a fresh one costs a page fault for every 4 KiB."""

    def __init__(self, size: int):
        self._size, self._lock = size, Lock()
        self._free: list[jax.Array] = []

    def take(self) -> jax.Array:
        """A square similarity of any content."""
        with self._lock:
            return self._free.pop() if self._free else jnp.zeros((self._size, self._size), jnp.float32)

    def give_back(self, buffer: jax.Array) -> None:
        """Keeps a similarity for the next call of `take`."""
        with self._lock:
            self._free.append(buffer)


class Candidates:
    """The rows that are candidates, the same for every language; `asked` are options that differ in the retrieval."""

    def __init__(self, concepts: int, test: np.ndarray, asked: Sequence[AlignmentOptions], workers: int):
        self.rows = np.arange(concepts) if asked[0].candidates == "all" else test
        self.padded = choose_tiling(len(self.rows), asked[0], workers).rows
        self.tilings = [choose_tiling(len(self.rows), options, workers).tiling for options in asked]
        self._place = np.zeros(concepts, np.int32)  # of each row of the spaces among the candidates
        self._place[self.rows] = np.arange(len(self.rows))
        self._test = test
        self._buffers = Buffers(self.padded)

    def answers(self, pairing: Pairing) -> Int[np.ndarray, "2 row"]:
        """Place of the right answer of each candidate row in both directions; itself where a row is no query."""
        places = np.tile(np.arange(self.padded, dtype=np.int32), (2, 1))
        right = self._place[pairing.source_to_target], self._place[pairing.target_to_source]
        places[:, self._place[self._test]] = right
        return places

    def rank(self, aligned: AlignedPair, pairing: Pairing, tilings: Sequence[Tiling] = ()) -> list[PairRanks]:
        """Ranks of the test rows of one pair in each of some retrievals, all of them unless `tilings` says which."""
        buffer = self._buffers.take() if self.tilings[0].keep else None
        answers, found = list(self.answers(pairing)), []
        for ranked in rank_each(buffer, aligned, answers, tilings or self.tilings, len(self.rows)):
            there, back, buffer = ranked.source_to_target, ranked.target_to_source, ranked.buffer
            found.append(PairRanks(self.of_test_rows(there), self.of_test_rows(back)))
        if buffer is not None:
            self._buffers.give_back(buffer)
        return found

    def of_test_rows(self, ranked: Ranked) -> Int[np.ndarray, "3 query"]:
        """(rank, best, ties) of the test rows, best as a row of the spaces."""
        table = np.stack([np.asarray(part) for part in ranked])[:, self._place[self._test]]
        table[1] = self.rows[np.minimum(table[1], len(self.rows) - 1)]
        return table
