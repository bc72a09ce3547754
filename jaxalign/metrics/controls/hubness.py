"""Hubs of each pair: target words that are the neighbours of many, and whether retrieval leads back.

N_k(y) is the number of queries x that have y among their k nearest targets. In many dimensions a few y get most of them
(Radovanović, Nanopoulos and Ivanović 2010), which CSLS is made to correct (Conneau et al. 2018). Metrics, by setting:

hubness_skew   skewness of N_k over the candidates, E[(N - E N)^3] / var(N)^1.5, k = 10 or the candidates
hub_share      share of all k-neighbour places that the 1 % of candidates with the largest N_k hold (at least one)
reciprocity    share of queries a whose nearest target b has a as its own nearest source: a -> b -> a

Queries are the test concepts, candidates those of the run. Next to each figure stands what picks at random give:
setting `chance`, and `hubness_skew_p`, the share of such draws with a skewness at least as high. The setting `null`
has the map of a shuffled dictionary.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.evaluation.pair_scores import PairScores, of_pairs
from jaxalign.evaluation.rows import Rows
from jaxalign.evaluation.settings import Setting
from jaxalign.metrics.precision import wilson_width
from jaxalign.metrics.rows import MEAN, Place, ResultRow, figure, result_row
from jaxalign.types import SpaceLabel

METRICS = ("hubness_skew", "hub_share", "reciprocity")
K, TOP = 10, 0.01
DRAWS = 199
_Z = 1.959964


class Neighbours(NamedTuple):
    """The neighbours of one ordered pair in one setting."""

    setting: Setting
    source: int
    target: int
    nearest: Int[np.ndarray, "query k"]  # candidates, the nearest first
    leads_back: Float[np.ndarray, " query"]  # 1 where the nearest target has the query as its nearest source


class Influence(NamedTuple):
    """A figure, and what each query contributes to it: the jackknife's pseudo-values less their mean."""

    value: float
    influence: Float[np.ndarray, " query"]


def rows(
    label: SpaceLabel,
    spaces: Mapping[str, Float[np.ndarray, "concept feature"]],
    split_rows: Rows,
    options: AlignmentOptions,
    rng_seed: int = 0,
) -> list[ResultRow]:
    """Rows of METRICS of every pair, setting and of the mean of pairs, with 95 % intervals over queries.

    Intervals are those of the jackknife over queries (Efron and Stein 1981): a bootstrap repeats queries, which makes
    hubs. The share holds the hubs as they are. The mean of pairs keeps the correlation of its pairs. No rows where
    the settings are ceilings alone.
    """
    found = of_pairs(spaces, split_rows, options, neighbours)
    if not found:
        return []
    names, made = list(spaces), []
    candidates = len(next(iter(spaces.values()))) if options.candidates == "all" else len(split_rows.test)
    queries, k = found[0].nearest.shape
    base = Place(**label._asdict(), **options.columns)
    by_chance = picks_at_random(queries, candidates, k, rng_seed)
    for setting in dict.fromkeys(one.setting for one in found):
        own = [one for one in found if one.setting == setting]
        figures = {(names[one.source], names[one.target]): measured(one, candidates) for one in own}
        place = base._replace(setting=setting.name, seed_size=setting.seed_size)
        for metric, name in enumerate(METRICS):
            parts = {pair: of_pair[metric] for pair, of_pair in figures.items()}
            mean = Influence(
                float(np.mean([part.value for part in parts.values()])),
                np.mean([part.influence for part in parts.values()], axis=0),
            )
            for (source, target), part in [*parts.items(), ((MEAN, MEAN), mean)]:
                at = place._replace(source=source, target=target, metric=name)
                made.append(_row(at, part, queries))
                if name == "hubness_skew" and source != MEAN:
                    p = (1 + np.sum(by_chance.skewness >= part.value)) / (1 + DRAWS)
                    made.append(result_row(at._replace(metric=f"{name}_p"), figure(float(p)), queries))
    chance = base._replace(setting="chance")
    for name, value in zip(METRICS[:2], (by_chance.skewness, by_chance.share), strict=True):
        made.append(result_row(chance._replace(metric=name), figure(float(value.mean())), queries))
    return [*made, result_row(chance._replace(metric="reciprocity"), figure(1 / candidates), queries)]


def neighbours(pair: PairScores) -> Neighbours:
    """The K nearest candidates of each query, and whether the nearest leads back."""
    scores = pair.forward[pair.queries]
    k = min(K, scores.shape[1])
    some = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    order = np.argsort(-np.take_along_axis(scores, some, axis=1), axis=1, kind="stable")
    nearest = np.take_along_axis(some, order, axis=1)
    leads_back = pair.backward[nearest[:, 0]].argmax(axis=1) == pair.queries
    return Neighbours(pair.setting, pair.source, pair.target, nearest, leads_back.astype(float))


def measured(found: Neighbours, candidates: int) -> list[Influence]:
    """The figures of METRICS of one pair."""
    nearest = found.nearest
    count = np.bincount(nearest.ravel(), minlength=candidates)
    held = np.isin(nearest, _hubs(count)).mean(axis=1)
    back = found.leads_back
    return [
        _skewness(count, nearest),
        Influence(float(held.mean()), held - held.mean()),
        Influence(float(back.mean()), back - back.mean()),
    ]


class RandomPicks(NamedTuple):
    """The figures where every query picks k candidates at random, one per draw."""

    skewness: Float[np.ndarray, " draw"]
    share: Float[np.ndarray, " draw"]


@lru_cache(maxsize=4)
def picks_at_random(queries: int, candidates: int, k: int, rng_seed: int) -> RandomPicks:
    """What picks at random give, DRAWS times."""
    rng, skewness, share = np.random.default_rng([rng_seed, queries, candidates, k]), [], []
    for _ in range(DRAWS):
        picks = rng.integers(0, candidates, (queries, k))
        while True:  # without repeats within a query
            ordered = np.sort(picks, axis=1)
            again = (ordered[:, 1:] == ordered[:, :-1]).any(axis=1)
            if not again.any():
                break
            if k * 4 > candidates:  # few would be left by chance
                picks[again] = rng.random((int(again.sum()), candidates)).argsort(axis=1)[:, :k]
            else:
                picks[again] = rng.integers(0, candidates, (int(again.sum()), k))
        count = np.bincount(picks.ravel(), minlength=candidates)
        skewness.append(_skew(count))
        share.append(count[_hubs(count)].sum() / count.sum())
    return RandomPicks(np.array(skewness), np.array(share))


def _hubs(count: Int[np.ndarray, " candidate"]) -> Int[np.ndarray, " hub"]:
    return np.argsort(-count, kind="stable")[: max(1, round(TOP * len(count)))]


def _skew(count: np.ndarray) -> float:
    from scipy.stats import skew  # half a second to import

    return 0.0 if count.min() == count.max() else float(skew(count.astype(np.float64)))


def _skewness(count: Int[np.ndarray, " candidate"], nearest: Int[np.ndarray, "query k"]) -> Influence:
    """Skewness of the counts, and the effect of leaving each query out: k counts fall by 1."""
    queries, k = nearest.shape
    value, own = _skew(count), count[nearest].astype(np.float64)
    sums = np.array([np.sum(count.astype(np.float64) ** power) for power in (1, 2, 3)])
    left = sums - np.stack([(own**power - (own - 1) ** power).sum(axis=1) for power in (1, 2, 3)], axis=1)
    first, second, third = (left / len(count)).T
    variance = second - first**2
    spread = variance > 1e-12
    safe = np.where(spread, variance, 1.0)
    without = np.where(spread, (third - 3 * first * second + 2 * first**3) / safe**1.5, 0.0)
    return Influence(value, (queries - 1) * (without.mean() - without))


def _row(place: Place, part: Influence, queries: int) -> ResultRow:
    width = _Z * float(part.influence.std(ddof=1)) / queries**0.5 if queries > 1 else 0.0
    low, high = part.value - width, part.value + width
    if place.metric != "hubness_skew":
        low, high = max(low, 0.0), min(high, 1.0)
        low = 1 - wilson_width(queries) if part.value == 1 else low
        high = wilson_width(queries) if part.value == 0 else high
    return result_row(place, figure(part.value), queries, figure(low), figure(high))
