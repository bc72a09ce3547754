"""Ranks -> fractions with intervals: P@k, MRR, subsets, chance; one row per figure.

Everything here is NumPy on integers and can be repeated from a run's `ranks.npz` without a device.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from math import isfinite
from typing import NamedTuple, cast

import numpy as np
from jaxtyping import Float

from jaxalign.evaluation.result import SettingRanks
from jaxalign.metrics.evaluated import Evaluated
from jaxalign.metrics.gains import chance, gains
from jaxalign.metrics.rows import MEAN, Place, ResultRow, result_row
from jaxalign.runtime.environment import cores

_Z = 1.959964  # 97.5 % point of the normal distribution


def rows(
    evaluated: Evaluated, *, ks: Sequence[int] = (1, 5, 10, 30), bootstrap: int = 1000, rng_seed: int = 0
) -> list[ResultRow]:
    """One row for every pair, setting, subset and metric, with a 95 % bootstrap interval over concepts.

    Subsets that were added to those of the concepts' kinds are scored where a control is read, at the largest seed
    dictionary and not on nulls. Tables that differ only in `draw` (shuffles of the null, seed samples) are averaged. A
    language's mean over its pairs has `mean` as target; the mean over all pairs has `mean` as source and target. Rows
    of the setting `chance` give the expectation without any knowledge.

    Candidates that score exactly as the right answer are taken in random order (`expected_gains`). Where a setting has
    such ties, the metrics `P@1_best` and `P@1_strict` give P@1 with every tie won and lost, and `ties` the share of
    queries that have one.
    """
    evaluated.check()
    metrics = [*(f"P@{k}" for k in ks), "MRR"]
    masks, groups, languages = evaluated.masks(rng_seed), evaluated.by_setting(), evaluated.ranks.languages
    largest = {setting: size for setting, size in sorted(groups)}
    made: list[ResultRow] = []
    for (setting, seed_size), tables in groups.items():
        gain = np.stack([np.mean([evaluated.gains(table, name) for table in tables], axis=0) for name in metrics])
        place = evaluated.place(setting, seed_size)
        if any(table.ties.any() for table in tables):
            sides = np.mean([_sides_of_ties(evaluated, table) for table in tables], axis=0)
            figures = intervals(sides, masks["all"], bootstrap, rng_seed)
            made += grid_rows(place, list(SIDES), languages, figures)
        controlled = seed_size == largest[setting] and not setting.endswith("null")
        for subset, mask in masks.items():
            if controlled or subset not in evaluated.subsets:
                figures = intervals(gain, mask, bootstrap, rng_seed)
                made += grid_rows(place._replace(subset=subset), metrics, languages, figures)
    if groups:
        made += _chance_rows(evaluated.place("chance", 0), metrics, languages, evaluated.candidates())
    return made


SIDES = ("P@1_best", "P@1_strict", "ties")  # metrics of settings that have ties


def _sides_of_ties(evaluated: Evaluated, table: SettingRanks) -> Float[np.ndarray, "metric source target query"]:
    ties = evaluated.wrong_ties(table)
    return np.stack([gains(table.rank, "P@1"), gains(table.rank + ties, "P@1"), (ties > 0).astype(np.float64)])


class Interval(NamedTuple):
    """A mean over queries with its 95 % interval."""

    value: float
    low: float
    high: float


def interval(gain: Float[np.ndarray, " query"], bootstrap: int = 1000, rng_seed: int = 0) -> Interval:
    """The mean of one figure's gains, as `intervals` gives it for all pairs."""
    value = float(gain.mean())
    if not bootstrap:
        return Interval(value, value, value)
    low, high = np.percentile(resamples(len(gain), bootstrap, rng_seed) @ gain / len(gain), (2.5, 97.5)).tolist()
    width = wilson_width(len(gain))
    return Interval(value, 1 - width if value == 1 else low, width if value == 0 else high)


def wilson_width(queries: float) -> float:
    """How far the 95 % bound of Wilson (1927) is from a fraction of 0 or 1 of so many queries."""
    return _Z**2 / (queries + _Z**2)


class Figures(NamedTuple):
    """Figures of all pairs and their means, (metric, source + 1, target + 1), the last index for the mean."""

    value: np.ndarray
    queries: np.ndarray
    low: np.ndarray
    high: np.ndarray


def intervals(
    gain: Float[np.ndarray, "metric source target query"], mask: np.ndarray, bootstrap: int = 1000, rng_seed: int = 0
) -> Figures:
    """Value, count, low and high over a subset.

    Percentile bootstrap (Efron 1979): concepts are drawn with replacement, the same draws for every pair, setting and
    model, so that means over pairs keep their correlation. Each draw is a row of weights, all figures of a draw one
    matrix product. Where every query has the same gain (P@k of 0 or 1) the bootstrap has no width and the bound of
    Wilson (1927) takes its place. With `bootstrap` of 0 low and high are the value.
    """
    metric, languages, _, queries = gain.shape
    source, target = np.nonzero(~np.eye(languages, dtype=bool))
    mask = np.asarray(mask, bool)
    weights = resamples(queries, bootstrap, rng_seed)
    if mask.ndim == 1:
        chosen, inside = gain[:, source, target][..., mask], np.ones((1, int(mask.sum())), np.float32)
        weights = weights[:, mask]
    else:
        inside = mask[source, target].astype(np.float32)
        chosen = gain[:, source, target] * inside
    size = inside.sum(axis=-1)  # (pair or 1,)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = chosen.sum(axis=-1) / size
        drawn = (chosen.reshape(-1, chosen.shape[-1]).astype(np.float32) @ weights.T).reshape(metric, len(source), -1)
        sizes = inside @ weights.T
        drawn = (drawn / sizes).astype(np.float64)
        if not sizes.all():  # a draw without any concept of a small subset says nothing: it stands at the value
            drawn = np.where(np.isnan(drawn), value[..., None], drawn)
    grid = _fold(value, source, target, languages)
    low, high = bounds(_fold(drawn, source, target, languages)) if bootstrap else (grid.copy(), grid.copy())
    count = _fold(np.broadcast_to(size, (1, len(source))), source, target, languages, total=True)
    made = Figures(grid, np.broadcast_to(count, (metric, *count.shape[1:])), low, high)
    if bootstrap:
        _widen(made, float(np.max(np.broadcast_to(size, len(source)))))
    return made


@lru_cache(maxsize=4)
def resamples(queries: int, bootstrap: int, rng_seed: int, stream: int = 0) -> np.ndarray:
    """Returns how often each query is drawn: (bootstrap, query) float32, each row summing to the number of queries.

    Two calls with the same numbers have the same draws, as figures of the same queries need; figures of different
    queries that are compared need different streams.
    """
    picks = np.random.default_rng([rng_seed, stream] if stream else rng_seed).integers(0, queries, (bootstrap, queries))
    flat = picks + queries * np.arange(bootstrap)[:, None]
    return np.bincount(flat.ravel(), minlength=bootstrap * queries).reshape(bootstrap, queries).astype(np.float32)


def _fold(
    figures: np.ndarray, source: np.ndarray, target: np.ndarray, languages: int, total: bool = False
) -> np.ndarray:
    """Returns pairs as a square with one more row and column for means (or sums); NaN where a pair has no query."""
    metric, pairs, *rest = figures.shape
    square = np.full((metric, languages + 1, languages + 1, *rest), np.nan, figures.dtype)
    square[:, source, target] = figures
    filled = ~np.isnan(figures).all(axis=tuple(i for i in range(figures.ndim) if i != 1))
    codes = np.arange(languages)[:, None]
    members = np.concatenate([source == codes, target == codes, np.ones((1, pairs), bool)]) & filled
    known = members.any(axis=1)
    weights = members[known] / (1.0 if total else members[known].sum(axis=1, keepdims=True))
    plain = figures if filled.all() else np.where(filled.reshape(1, -1, *(1 for _ in rest)), figures, 0)
    made = np.tensordot(weights.astype(figures.dtype), plain, axes=(1, 1))
    for figure_of, place in zip(made, np.flatnonzero(known).tolist(), strict=True):
        row = place if place < languages else -1
        column = place - languages if languages <= place < 2 * languages else -1
        square[:, row, column] = figure_of
    return square


class Bounds(NamedTuple):
    """Lower and upper end of 95 % intervals."""

    low: np.ndarray
    high: np.ndarray


_FEW = 50_000  # draws that are sorted by the calling thread: 32 rows of 1,000 take it .42 ms, two threads .45


def bounds(drawn: np.ndarray) -> Bounds:
    """Returns the 2.5 and 97.5 % points over the last axis, the outer ones of the draws they fall between."""
    draws = drawn.shape[-1]
    first, last = int(0.025 * (draws - 1)), int(np.ceil(0.975 * (draws - 1)))
    # Sorted whole: 0.35 ms for 320 rows of 1,000 draws, np.partition at both points 3.3 ms (NumPy 2.4, AVX-512).
    ordered = np.array(drawn, order="C")
    if ordered.size < _FEW:
        ordered.sort(axis=-1)
    else:
        parts = np.array_split(ordered.reshape(-1, draws), cores())
        list(_sorters().map(lambda rows: rows.sort(axis=-1), parts))  # views: they are sorted in place
    return Bounds(ordered[..., first].astype(np.float64), ordered[..., last].astype(np.float64))


@lru_cache(maxsize=1)
def _sorters() -> ThreadPoolExecutor:
    """A thread per core: NumPy sorts without Python's lock."""
    return ThreadPoolExecutor(cores())


def _widen(figures: Figures, size: float) -> None:
    """Gives figures of 0 and 1 the bound of Wilson (1927)."""
    none, every = figures.value == 0, figures.value == 1
    figures.high[none] = wilson_width(size)
    figures.low[every] = 1 - wilson_width(size)


def grid_rows(place: Place, metrics: list[str], languages: Sequence[str], figures: Figures) -> list[ResultRow]:
    """One row for every metric and pair, and for the means over pairs."""
    names, whole = [*languages, MEAN], result_row(place, 0.0, 0)
    low, high = (bound.round(6).tolist() for bound in (figures.low, figures.high))
    values, counts = figures.value.round(9).tolist(), figures.queries.tolist()
    made = []
    for m, metric in enumerate(metrics):
        for i, source in enumerate(names):
            for j, target in enumerate(names):
                value, count = values[m][i][j], counts[m][i][j]
                if isfinite(value) and count >= 1:
                    at = {"source": source, "target": target, "metric": metric}
                    ends = {"low": low[m][i][j], "high": high[m][i][j]}
                    made.append(cast(ResultRow, {**whole, **at, "value": value, "count": int(count), **ends}))
    return made


def _chance_rows(place: Place, metrics: list[str], languages: Sequence[str], candidates: int) -> list[ResultRow]:
    pairs = [(s, t) for s in languages for t in languages if s != t] + [(MEAN, MEAN)]
    return [
        result_row(place._replace(source=s, target=t, metric=metric), chance(metric, candidates), candidates)
        for metric in metrics
        for s, t in pairs
    ]
