"""The object that ranks pairs: it owns the candidates, the reduced spaces and the backend, threads or a mesh.

Each unordered pair is decomposed and multiplied once: W(j, i) = W(i, j)', so the rows of a similarity serve one
direction and its columns the other. On a CPU the pairs are shared between threads, one per core, which run compiled
stages; elsewhere one compiled call does all pairs of a group of settings, spread over the devices (`pairs_on_mesh`).
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float

from jaxalign.alignment import least_squares, reduced, shrunken
from jaxalign.alignment.normalize import normalized
from jaxalign.evaluation import pairs_on_mesh, shrinkage
from jaxalign.evaluation.candidates import Candidates, PairRanks
from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.evaluation.rows import Rows, Spaces
from jaxalign.evaluation.settings import Fitted, Pairing, Setting, pairing
from jaxalign.runtime import threads


class Item(NamedTuple):
    """One unordered pair of languages in one setting."""

    setting: Setting
    first: int
    second: int


class BothWays(NamedTuple):
    """The factors of a pair from its first language to its second, and back where that needs a map of its own."""

    forward: reduced.AlignedPair
    backward: reduced.AlignedPair | None


class FittedRows(NamedTuple):
    """Paired normalised seed rows of two languages."""

    seeds: Float[Array, "seed feature"]
    images: Float[Array, "seed feature"]


class Engine:
    """Ranks of pairs of the given spaces; `more` are options that differ from `options` in the retrieval alone."""

    def __init__(self, spaces: Spaces, rows: Rows, options: AlignmentOptions, *more: AlignmentOptions):
        self._languages, self._rows, self._options, self._asked = list(spaces), rows, options, (options, *more)
        pairs = len(spaces) * (len(spaces) - 1) // 2
        self._workers = threads.workers(pairs)
        self._vectors = [normalized(vectors, options.normalize) for vectors in spaces.values()]
        self._candidates = Candidates(len(self._vectors[0]), rows.test, self._asked, self._workers)
        self._candidate_rows = [
            reduced.candidate_rows(vectors, self._candidates.rows, self._candidates.padded) for vectors in self._vectors
        ]
        self._map = options.map_options
        self._on_mesh = jax.default_backend() != "cpu" or jax.local_device_count() > 1

    def rank(self, fitted: Fitted, items: Sequence[Item]) -> Iterator[list[PairRanks]]:
        """Ranks of each item in each retrieval, all of settings that are fitted on the same rows."""
        if fitted.is_shrunken:
            return threads.parallel_map(self._rank_shrunken, items, self._workers)
        if self._map.is_directed and fitted.size:
            return threads.parallel_map(self._rank_directed, items, self._workers)
        spaces = self._reduced(fitted)
        if self._on_mesh:
            return self._rank_on_mesh(spaces, items)

        return threads.parallel_map(partial(self._rank_pair, spaces), items, self._workers)

    @property
    def valid(self) -> int:
        """The number of candidates; further rows of the factors are padding."""
        return len(self._candidates.rows)

    def aligner(self, fitted: Fitted) -> Callable[[Item], BothWays]:
        """A function that gives the factors of an item, for settings that are fitted on the same rows."""
        if fitted.is_shrunken:
            return lambda item: BothWays(self._aligned_shrunken(item, self._pairing(item), self._options), None)
        if self._map.is_directed and fitted.size:
            return lambda item: BothWays(*self._aligned_directed(item, self._pairing(item)))
        spaces = self._reduced(fitted)
        return lambda item: BothWays(self._aligned(spaces, item, self._pairing(item)), None)

    def _pairing(self, item: Item) -> Pairing:
        names = self._languages[item.first], self._languages[item.second]
        return pairing(self._rows, item.setting, self._options.rng_seed, *names)

    def _reduced(self, fitted: Fitted) -> list[reduced.ReducedSpace]:
        """Each language for the seed rows of a group of settings; for `before` the bare candidates."""
        if not fitted.size:
            return [reduced.ReducedSpace(None, candidates) for candidates in self._candidate_rows]
        rows = np.concatenate(self._rows) if fitted.with_test else self._rows.seed[: fitted.size]

        def reduce(
            language: tuple[Float[Array, "concept feature"], Float[Array, "row feature"]],
        ) -> reduced.ReducedSpace:
            return reduced.reduce(*language, rows, self._map)

        languages = zip(self._vectors, self._candidate_rows, strict=True)
        return list(threads.parallel_map(reduce, languages, self._workers))

    def _rank_pair(self, spaces: Sequence[reduced.ReducedSpace], item: Item) -> list[PairRanks]:
        paired = self._pairing(item)
        return self._candidates.rank(self._aligned(spaces, item, paired), paired)

    def _aligned(self, spaces: Sequence[reduced.ReducedSpace], item: Item, paired: Pairing) -> reduced.AlignedPair:
        seeds = paired.seeds if item.setting.is_shuffled else None  # in order there is nothing to gather
        return reduced.align(spaces[item.first], spaces[item.second], seeds, self._map)

    def choice(self, item: Item) -> shrinkage.Choice:
        """The lambda of a pair in a shrunken setting."""
        return self._choice(self._fitted_rows(item, self._pairing(item)), self._options)

    def rank_at(self, item: Item, value: float) -> PairRanks:
        """Ranks of a pair after the map of one lambda, in a shrunken setting and the first retrieval."""
        paired = self._pairing(item)
        return self._candidates.rank(self._shrunken(item, self._fitted_rows(item, paired), value), paired)[0]

    def _rank_shrunken(self, item: Item) -> list[PairRanks]:
        """One map for each retrieval, since lambda is chosen by it."""
        paired, made = self._pairing(item), []
        for options, tiling in zip(self._asked, self._candidates.tilings, strict=True):
            made += self._candidates.rank(self._aligned_shrunken(item, paired, options), paired, [tiling])
        return made

    def _aligned_shrunken(self, item: Item, paired: Pairing, options: AlignmentOptions) -> reduced.AlignedPair:
        fitted = self._fitted_rows(item, paired)
        return self._shrunken(item, fitted, self._choice(fitted, options).shrinkage)

    def _fitted_rows(self, item: Item, paired: Pairing) -> FittedRows:
        first, second = self._vectors[item.first], self._vectors[item.second]
        return FittedRows(first[self._rows.seed[paired.seeds.first]], second[self._rows.seed[paired.seeds.second]])

    def _choice(self, fitted: FittedRows, options: AlignmentOptions) -> shrinkage.Choice:
        return shrinkage.choose(*fitted, options.search, options.rng_seed)

    def _shrunken(self, item: Item, fitted: FittedRows, value: float) -> reduced.AlignedPair:
        sides = self._candidate_rows[item.first], self._candidate_rows[item.second]
        return shrunken.align(*sides, *fitted, value, self._options.search.how)

    def _rank_directed(self, item: Item) -> list[PairRanks]:
        """From the vectors, for a map that serves one direction only."""
        paired = self._pairing(item)
        forward, backward = self._aligned_directed(item, paired)
        turned = paired._replace(source_to_target=paired.target_to_source, target_to_source=paired.source_to_target)
        both = zip(self._candidates.rank(forward, paired), self._candidates.rank(backward, turned), strict=True)
        return [PairRanks(there.source_to_target, back.source_to_target) for there, back in both]

    def _aligned_directed(self, item: Item, paired: Pairing) -> tuple[reduced.AlignedPair, reduced.AlignedPair]:
        fitted = np.concatenate(self._rows)  # `after` and `null` take the first seeds of it
        rows = reduced.SeedPairs(fitted[paired.seeds.first], fitted[paired.seeds.second])
        first, second = self._vectors[item.first], self._vectors[item.second]
        common = self._candidates.rows, self._candidates.padded, self._map
        forward = least_squares.align(first, second, rows, *common)
        return forward, least_squares.align(second, first, reduced.SeedPairs(rows.second, rows.first), *common)

    def _rank_on_mesh(self, spaces: Sequence[reduced.ReducedSpace], items: Sequence[Item]) -> Iterator[list[PairRanks]]:
        """All items from one compiled call."""
        paired = [self._pairing(item) for item in items]
        languages = np.array([[item.first, item.second] for item in items], np.int32)
        seeds = np.array([pair.seeds for pair in paired], np.int32)
        answers = np.array([self._candidates.answers(pair) for pair in paired])
        valid = len(self._candidates.rows)
        given = pairs_on_mesh.Items(languages, seeds, answers)
        of_test_rows = self._candidates.of_test_rows
        budget = self._options.memory_budget
        tilings = tuple(self._candidates.tilings)
        for each in pairs_on_mesh.rank_items(spaces, given, tilings, valid, self._map, budget):
            yield [PairRanks(of_test_rows(one.source_to_target), of_test_rows(one.target_to_source)) for one in each]
