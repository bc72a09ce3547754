"""P@k and MRR where every word of the target concept counts, each paired with its first word's.

The rank of a query is 1 + the candidates that are not right and score higher than the best right one. A candidate is
right if it is the target concept or if its word, ignoring case, is one that the target language lists for it. Words
that are no candidate's first word are not in the run's spaces and cannot be found; the share of concepts with several
words stands in rows of its own (`all_answers.share_rows`). See there for the source.

Where ids are those of WordNet (distress.n.03), the sense number says how rare the sense is of the first English word:
WordNet orders senses by frequency. The subsets `first_sense` (1) and `rare_sense` (3 or more) compare them.
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool

from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.evaluation.pair_scores import PairScores, of_pairs
from jaxalign.evaluation.result import SettingRanks
from jaxalign.evaluation.rows import Rows, Spaces
from jaxalign.evaluation.settings import Setting
from jaxalign.metrics.all_answers import accepted
from jaxalign.metrics.evaluated import Evaluated
from jaxalign.metrics.gains import expected_gains
from jaxalign.metrics.precision import grid_rows, intervals
from jaxalign.metrics.rows import ResultRow

RARE = 3  # sense number from which a sense is rare
_SENSE = re.compile(r".+\.[nvars]\.(\d{2,})")


class AnyRanks(NamedTuple):
    """One setting twice, from the same scores: rank and ties of the best right word, and of the first word alone."""

    every: SettingRanks
    first: SettingRanks


def rows(
    evaluated: Evaluated,
    tables: Sequence[AnyRanks],
    *,
    ks: Sequence[int] = (1, 5, 10, 30),
    bootstrap: int = 1000,
    rng_seed: int = 0,
) -> list[ResultRow]:
    """Rows of `P@k_all_answers`, `MRR_all_answers` and their paired differences to `P@k` and `MRR`.

    A difference has the metric `P@5_all_answers - P@5`. `tables` as from `ranks`; 95 % bootstrap intervals over
    concepts. P@1 of all concepts and of each kind are rows of `all_answers.rows`; here it is of the sense subsets.
    """
    made, masks = [], evaluated.masks(rng_seed)
    for every, first in tables:
        place = evaluated.place(every.setting, int(every.seed_size))
        for subset, mask in masks.items():
            by_sense = subset.endswith("_sense")
            if subset in evaluated.subsets and not by_sense:
                continue
            names, gain = [], []
            for metric in [f"P@{k}" for k in ks if k > 1 or by_sense] + ["MRR"]:
                names += [f"{metric}_all_answers", f"{metric}_all_answers - {metric}"]
                of_every = expected_gains(every.rank, every.ties, metric)
                gain += [of_every, of_every - expected_gains(first.rank, first.ties, metric)]
            figures = intervals(np.stack(gain), mask, bootstrap, rng_seed)
            made += grid_rows(place._replace(subset=subset), names, evaluated.ranks.languages, figures)
    return made


def ranks(spaces: Spaces, split_rows: Rows, options: AlignmentOptions, evaluated: Evaluated) -> list[AnyRanks]:
    """Ranks and ties of the best right answer, by setting; largest seed dictionary, no ceilings."""
    languages, queries = evaluated.ranks.languages, len(split_rows.test)
    columns = np.arange(len(evaluated.concepts.ids)) if options.candidates == "all" else split_rows.test
    right = {place: accepted(evaluated, code)[:, columns] for place, code in enumerate(languages)}

    def rank_pair(pair: PairScores) -> _Ranked:
        scores, none = pair.forward[pair.queries], np.zeros_like(right[pair.target])
        found = [best_of_right(scores, also, pair.queries) for also in (right[pair.target], none)]
        return _Ranked(pair.setting, pair.source, pair.target, np.stack(found))

    shape = (len(languages), len(languages), queries)
    made: dict[Setting, AnyRanks] = {}
    for one in of_pairs(spaces, split_rows, options, rank_pair):
        if one.setting not in made:
            empty = [SettingRanks(*one.setting, *(np.zeros(shape, np.int32) for _ in range(3))) for _ in range(2)]
            made[one.setting] = AnyRanks(*empty)
        for table, (rank, ties) in zip(made[one.setting], one.found, strict=True):
            table.rank[one.source, one.target], table.ties[one.source, one.target] = rank, ties
    return list(made.values())


class _Ranked(NamedTuple):
    setting: Setting
    source: int
    target: int
    found: np.ndarray  # (all words, first word; rank, ties; query)


def best_of_right(
    scores: np.ndarray, also_right: Bool[np.ndarray, "query candidate"], answers: np.ndarray
) -> np.ndarray:
    """(rank, wrong candidates of equal score) of the best right candidate of each query, (2, query)."""
    right = also_right.copy()
    right[np.arange(len(right)), answers] = True
    best = np.where(right, scores, -np.inf).max(axis=1, keepdims=True)
    return np.array([1 + ((scores > best) & ~right).sum(axis=1), ((scores == best) & ~right).sum(axis=1)])


def sense_numbers(ids: Sequence[str]) -> np.ndarray | None:
    """The sense number in each WordNet id; None where an id is no WordNet id."""
    found = [_SENSE.fullmatch(name) for name in ids]
    return np.array([int(one[1]) for one in found if one]) if all(found) else None


def sense_subsets(ids: Sequence[str]) -> Mapping[str, Bool[np.ndarray, " query"]]:
    """The masks first_sense and rare_sense of test concepts; none without WordNet ids."""
    numbers = sense_numbers(ids)
    if numbers is None:
        return {}
    masks = {"first_sense": numbers == 1, "rare_sense": numbers >= RARE}
    return {name: mask for name, mask in masks.items() if mask.any()}
