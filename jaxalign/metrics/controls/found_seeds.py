"""Rows of maps whose seeds are found, not given (`evaluation.found_seeds`): words written alike, mutual neighbours.

Settings `identical`, `identical_null`, `refined`, `refined_null`: P@k and MRR of every pair with 95 % intervals, of the
nulls the mean of their draws; `seeds` is the number that the last map was fitted on. Differences with p are rows of the
settings `refined - after` and so on. A pair with too few words that are written alike has no rows. Where there is such
a pair, all rows stand in the subset `with_identical`, with `before` and `after` of the same pairs beside them, so that
no mean over some pairs is taken for one over all.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from jaxalign.evaluation import found_seeds
from jaxalign.evaluation.found_seeds import Found, Search
from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.evaluation.rows import Rows
from jaxalign.metrics import precision, significance
from jaxalign.metrics.evaluated import Evaluated
from jaxalign.metrics.gains import expected_gains
from jaxalign.metrics.rows import Place, ResultRow, figure, result_row

SUBSET = "with_identical"  # where not every pair has rows
DIFFERENCES = (
    ("identical", "before"), ("identical", "after"), ("identical", "identical_null"), ("refined", "before"),
    ("refined", "after"), ("refined", "identical"), ("refined", "refined_null"),
)  # fmt: skip
_TESTED = ("P@1", "MRR")

Pair = tuple[str, str]
Gains = dict[Pair, Float[np.ndarray, "metric query"]]


class Numbers(NamedTuple):
    """The k of P@k, resamples, and where they start."""

    k: Sequence[int] = (1, 5, 10, 30)
    bootstrap: int = 1000
    rng_seed: int = 0


def rows(
    evaluated: Evaluated,
    spaces: Mapping[str, Float[np.ndarray, "concept feature"]],
    split_rows: Rows,
    options: AlignmentOptions,
    search: Search,
    numbers: Numbers,
) -> list[ResultRow]:
    """The rows of one space; `evaluated` holds the ranks of `before` and `after` to compare with."""
    metrics, names = [*(f"P@{k}" for k in numbers.k), "MRR"], list(spaces)
    found = found_seeds.evaluate(spaces, split_rows, options, search)
    pairs = {(names[one.first], names[one.second]) for one in found}
    pairs |= {(target, source) for source, target in pairs}
    gains = _known(evaluated, metrics, pairs) | _gains(found, names, metrics)
    subset = "all" if len(pairs) == len(names) * (len(names) - 1) else SUBSET
    seeds = len(split_rows.seed)
    made: list[ResultRow] = []
    if not pairs:
        return made
    for setting, of_pairs in gains.items():
        place = evaluated.place(setting, 0 if setting == "before" else seeds)._replace(subset=subset)
        if setting not in ("before", "after") or subset != "all":
            for at, gain in _with_mean(place, of_pairs):
                made += _rows(at, metrics, gain, numbers)
            made += _counts(place, [one for one in found if one.setting == setting], names)
    for one, other in DIFFERENCES:
        if numbers.bootstrap and {one, other} <= set(gains):
            place = evaluated.place(f"{one} - {other}", seeds)._replace(subset=subset)
            apart = {pair: gains[one][pair] - gains[other][pair] for pair in gains[one]}
            for at, gain in _with_mean(place, apart):
                made += _tested(at, metrics, gain, numbers.rng_seed)
    return made


def _with_mean(place: Place, of_pairs: Gains) -> list[tuple[Place, Float[np.ndarray, "metric query"]]]:
    """What each query adds in every pair, and in the mean of pairs."""
    made = [(place._replace(source=source, target=target), gain) for (source, target), gain in of_pairs.items()]
    return [*made, (place, np.mean(list(of_pairs.values()), axis=0))]


def _known(evaluated: Evaluated, metrics: Sequence[str], pairs: set[Pair]) -> dict[str, Gains]:
    languages, made = evaluated.ranks.languages, {}
    for name, table in evaluated.ranks.largest().items():
        if name in ("before", "after"):
            gain = np.stack([evaluated.gains(table, metric) for metric in metrics])
            made[name] = {
                (source, target): gain[:, i, j]
                for i, source in enumerate(languages)
                for j, target in enumerate(languages)
                if (source, target) in pairs
            }
    return made


def _gains(found: Sequence[Found], names: Sequence[str], metrics: Sequence[str]) -> dict[str, Gains]:
    """What each query adds, by setting and ordered pair; of several draws the mean."""
    drawn: dict[str, dict[Pair, list[np.ndarray]]] = {}
    for one in found:
        ends = names[one.first], names[one.second]
        for pair, (rank, _, ties) in zip((ends, ends[::-1]), one.ranks, strict=True):
            gain = np.stack([expected_gains(rank, ties, metric) for metric in metrics])
            drawn.setdefault(one.setting, {}).setdefault(pair, []).append(gain)
    return {
        setting: {pair: np.mean(each, axis=0) for pair, each in of_pairs.items()} for setting, of_pairs in drawn.items()
    }


def _rows(
    place: Place, metrics: Sequence[str], gain: Float[np.ndarray, "metric query"], numbers: Numbers
) -> list[ResultRow]:
    made = []
    for metric, each in zip(metrics, gain, strict=True):
        value, low, high = map(figure, precision.interval(each, numbers.bootstrap, numbers.rng_seed))
        made.append(result_row(place._replace(metric=metric), value, len(each), low, high))
    return made


def _counts(place: Place, found: Sequence[Found], names: Sequence[str]) -> list[ResultRow]:
    """The seeds of the last map of each pair, mean of draws."""
    counts: dict[Pair, list[int]] = {}
    for one in found:
        counts.setdefault((names[one.first], names[one.second]), []).append(one.seeds)
    at = place._replace(metric="seeds")
    return [
        result_row(at._replace(source=ends[0], target=ends[1]), figure(float(np.mean(each))), place.seed_size)
        for pair, each in counts.items()
        for ends in (pair, pair[::-1])
    ]


def _tested(
    place: Place, metrics: Sequence[str], gain: Float[np.ndarray, "metric query"], rng_seed: int
) -> list[ResultRow]:
    """A difference with its interval and the p of sign flips, of P@1 and MRR."""
    made = []
    for metric, each in zip(metrics, gain, strict=True):
        if metric in _TESTED:
            cells = np.zeros((2, 2, len(each)))
            cells[0, 1] = each
            tested = significance.paired(cells, rng_seed=rng_seed)
            value, low, high = (figure(float(part[0, 1])) for part in (tested.value, tested.low, tested.high))
            made.append(result_row(place._replace(metric=metric), value, tested.queries, low, high))
            if tested.p is not None:
                p = figure(float(tested.p[0, 1]))
                made.append(result_row(place._replace(metric=f"{metric}_p"), p, tested.queries))
    return made
