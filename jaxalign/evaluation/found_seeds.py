"""Ranks after maps whose seeds are found among the seed concepts: words written alike, and mutual neighbours.

identical       the map of the seed concepts whose words are one string in both languages
refined         a number of rounds in which the seed concepts that are each other's nearest neighbours under CSLS after
                the map become its next seeds (Artetxe et al. 2017; Conneau et al. 2018); it begins with the map of
                `identical` where this is asked for, else with that of the whole seed dictionary
identical_null, refined_null   the same from seeds in a random order

Rounds know which concepts are in the seed dictionary, but not which row of one language belongs to which of the other.
No test concept takes part. A pair with fewer than LEAST seeds is left out; a round that finds fewer is not taken.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from jaxalign.alignment import reduced
from jaxalign.alignment.normalize import normalized
from jaxalign.alignment.reduced import SeedPairs
from jaxalign.evaluation.candidates import Candidates, PairRanks
from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.evaluation.rows import Rows, Spaces, checked_rows
from jaxalign.evaluation.settings import Setting, pairing, shuffled
from jaxalign.retrieval.mutual import mutual_neighbours
from jaxalign.runtime import threads

LEAST = 10
Alike = Mapping[tuple[str, str], Bool[np.ndarray, " seed"]]  # which seed concepts two languages write alike


class Search(NamedTuple):
    """What is asked: seeds that are written alike (None: the whole dictionary), and rounds of refinement."""

    alike: Alike | None
    rounds: int
    draws: int  # shuffles of the nulls


class Found(NamedTuple):
    """An unordered pair in one setting."""

    first: int
    second: int
    setting: str
    draw: int
    seeds: int  # that the map was fitted on
    ranks: PairRanks


def alike(words: Mapping[str, Sequence[str]], seed: Sequence[int]) -> Alike:
    """Which of the seed rows have one string for a word in both languages, for every pair in the order of `words`."""
    columns = {code: np.array([column[row] for row in seed], dtype=object) for code, column in words.items()}
    return {(one, two): np.asarray(columns[one] == columns[two], bool) for one, two in combinations(columns, 2)}


def evaluate(spaces: Spaces, rows: Rows, options: AlignmentOptions, search: Search) -> list[Found]:
    """The ranks of every pair of languages with enough seeds, in every setting that the search has."""
    rows = checked_rows(spaces, rows, options)
    pairs = list(combinations(range(len(spaces)), 2))
    workers = threads.workers(len(pairs))
    finder = _Finder(spaces, rows, options, search, workers)
    return [found for some in threads.parallel_map(finder.pair, pairs, workers) for found in some]


class _Finder:
    """Two reduced spaces per language: of the seed concepts, which rounds look at, and of the candidates."""

    def __init__(self, spaces: Spaces, rows: Rows, options: AlignmentOptions, search: Search, workers: int):
        self._names, self._rows, self._options, self._search = list(spaces), rows, options, search
        vectors = [normalized(each, options.normalize) for each in spaces.values()]
        self._candidates = Candidates(len(vectors[0]), rows.test, [options], workers)
        self._asked = [self._reduced(each, self._candidates.rows, self._candidates.padded) for each in vectors]
        self._learned = [self._reduced(each, rows.seed, len(rows.seed)) for each in vectors] if search.rounds else []

    def _reduced(
        self, vectors: Float[Array, "concept feature"], chosen: np.ndarray, padded: int
    ) -> reduced.ReducedSpace:
        """In coordinates of all seeds, with a seed of zeros after them, which changes no map."""
        candidates = reduced.candidate_rows(vectors, chosen, padded)
        space = reduced.reduce(vectors, candidates, self._rows.seed, self._options.map_options)
        assert space.seeds is not None
        return space._replace(seeds=jnp.pad(space.seeds, ((0, 1), (0, 0))))

    def pair(self, pair: tuple[int, int]) -> list[Found]:
        """The settings of one pair; none where it has too few seeds."""
        names, every = (self._names[pair[0]], self._names[pair[1]]), np.arange(len(self._rows.seed))
        known = self._search.alike
        places = every if known is None else np.flatnonzero(known[names])
        if len(places) < LEAST:
            return []
        made = []
        for draw in range(-1, self._search.draws):
            first = second = places
            if draw >= 0 and names[0] > names[1]:  # the alphabetically first language keeps its order, as in `pairing`
                first = shuffled(places, self._options.rng_seed, draw, *names)
            elif draw >= 0:
                second = shuffled(places, self._options.rng_seed, draw, *names)
            seeds = SeedPairs(first, second)
            suffix = "" if draw < 0 else "_null"
            if known is not None:
                made.append(self._found(pair, f"identical{suffix}", draw, seeds))
            if self._search.rounds:
                made.append(self._found(pair, f"refined{suffix}", draw, self._refine(pair, seeds)))
        return made

    def _refine(self, pair: tuple[int, int], seeds: SeedPairs) -> SeedPairs:
        for _ in range(self._search.rounds):
            aligned = self._align(self._learned, pair, seeds)
            mutual = mutual_neighbours(*aligned, self._options.csls_k)
            if len(mutual.source) < LEAST:
                break
            seeds = SeedPairs(mutual.source, mutual.target)
        return seeds

    def _found(self, pair: tuple[int, int], setting: str, draw: int, seeds: SeedPairs) -> Found:
        straight = pairing(self._rows, Setting("after", len(self._rows.seed), 0), 0, "", "")
        (ranks,) = self._candidates.rank(self._align(self._asked, pair, seeds), straight)
        return Found(*pair, setting, max(draw, 0), len(seeds.first), ranks)

    def _align(
        self, spaces: Sequence[reduced.ReducedSpace], pair: tuple[int, int], seeds: SeedPairs
    ) -> reduced.AlignedPair:
        zero = len(self._rows.seed)
        whole = SeedPairs(*(_filled(np.asarray(places), zero) for places in seeds))
        return reduced.align(spaces[pair[0]], spaces[pair[1]], whole, self._options.map_options)


def _filled(places: Int[np.ndarray, " pair"], size: int) -> Int[np.ndarray, " seed"]:
    """The places, and the seed of zeros as often as makes one length for all: one compiled map."""
    return np.concatenate([places, np.full(size - len(places), size, places.dtype)]).astype(np.int32)
