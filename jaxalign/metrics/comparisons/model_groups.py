"""Models ranked on the same concepts, with ties: which of them cannot be told apart.

With m models there are m (m - 1) / 2 differences, and the largest of them is large by chance too. So all are judged
together by the max statistic (Westfall and Young 1993, single step): t = difference / its standard error; concepts are
drawn with replacement, the same draws for every model (the paired bootstrap), and the p-value of a difference is the
share of draws whose largest |t - t observed| reaches its own |t|. The 95 % point of the largest gives intervals that
hold all differences at once. Holm's correction of single p-values needs 20 m (m - 1) / 2 draws before any of them can
be below 0.05, and ignores that models are correlated; the max statistic needs neither.

The interval of a model's rank is 1 + the models that are better for sure, up to m - those that are worse for sure: all
of them hold at once (Al Mohamad, Goeman and van Zwet 2022, Biometrics 78, 1574).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from jaxalign.evaluation.options import OptionColumns
from jaxalign.metrics import precision
from jaxalign.metrics.gains import expected_gains
from jaxalign.metrics.rows import Place, ResultRow, figure, result_row
from jaxalign.metrics.significance import ModelRanks
from jaxalign.types import InputError, SpaceLabel

LEVEL = 0.05  # chance that any of the differences called sure is none
DRAWS = 1999
_Z = 1.959964


class Groups(NamedTuple):
    """Models compared two by two; row less column in the square arrays."""

    value: Float[np.ndarray, " model"]  # mean gain
    place: Int[np.ndarray, " model"]  # 1 is the best; equal means share a place
    place_low: Int[np.ndarray, " model"]  # simultaneous interval of the place
    place_high: Int[np.ndarray, " model"]
    group: Int[np.ndarray, " model"]  # 1 is the best
    low: Float[np.ndarray, "model model"]  # simultaneous interval of the difference
    high: Float[np.ndarray, "model model"]
    p: Float[np.ndarray, "model model"]  # adjusted for the number of pairs


def compare(gain: Float[np.ndarray, "model query"], draws: int = DRAWS, rng_seed: int = 0) -> Groups:
    """Returns the comparison of all models by what each query adds to a metric; the columns are the same concepts.

    Groups go down from the best: a model begins a new group if it is surely worse than the first one of the group
    before. Two models of neighbouring groups may still not be told apart: their p says so. A difference that is the
    same for every concept has no spread to resample: it gets the standard error of the bound of Wilson (1927).

    Raises InputError with fewer than two models or two concepts.
    """
    models, queries = gain.shape
    if models < 2 or queries < 2:
        raise InputError(
            f"Expected two models and two concepts or more, got {models} and {queries}. Name more of them."
        )
    gain = np.asarray(gain, np.float64)
    value = gain.mean(axis=1)
    first, second = np.triu_indices(models, 1)
    difference = value[first] - value[second]
    # Differences of single concepts have a mean and a variance without the (pair, query) array for many models.
    covariance = np.cov(gain)
    variance = covariance[first, first] + covariance[second, second] - 2 * covariance[first, second]
    error = np.sqrt(np.maximum(variance, 0.0) / queries)
    constant = error < 1e-12
    error[constant] = np.where(np.abs(difference[constant]) < 1e-12, np.inf, precision.wilson_width(queries) / _Z)
    statistic = np.abs(difference) / error
    highest = _highest(gain, difference, error, draws, rng_seed)
    p = (1 + np.sum(highest[:, None] >= statistic - 1e-9, axis=0)) / (1 + draws)
    limit = float(np.quantile(highest, 1 - LEVEL))
    finite = np.where(np.isfinite(error), error, 0.0)  # equal gains are equal for sure
    bound = np.where(constant, max(limit, _Z), limit) * finite
    low = _square(difference - bound, -difference - bound, models)
    high = _square(difference + bound, bound - difference, models)
    adjusted = _square(p, p, models) + np.eye(models)
    sure = adjusted <= LEVEL
    better = sure & (value[:, None] > value[None])
    return Groups(
        value,
        1 + (value[None] > value[:, None] + 1e-12).sum(axis=1),
        1 + better.sum(axis=0),
        models - better.sum(axis=1),
        _groups(value, better),
        low,
        high,
        adjusted,
    )


def rows(
    entries: Sequence[ModelRanks],
    languages: Sequence[str],
    columns: OptionColumns,
    *,
    metric: str = "P@1",
    draws: int = DRAWS,
    rng_seed: int = 0,
) -> list[ResultRow]:
    """Rows of all models and pairs of models, of the mean over language pairs.

    `group` holds a model's group, `rank` its place with the simultaneous interval; `count` is the number of models. A
    pair `ONE - OTHER` of the setting `after - after` has `P@1_all_models`, the difference with its simultaneous
    interval, and `P@1_all_models_p`, its adjusted p-value. Every table must be of the same setting and concepts.
    """
    apart = ~np.eye(len(languages), dtype=bool)
    gain = np.array([expected_gains(one.table.rank, one.table.ties, metric)[apart].mean(axis=0) for one in entries])
    made, found = [], compare(gain, draws, rng_seed)
    for number, (label, table) in enumerate(entries):
        place = Place(*label, setting=table.setting, seed_size=int(table.seed_size), **columns)
        ranked = (int(found.place[number]), len(entries), int(found.place_low[number]), int(found.place_high[number]))
        made.append(result_row(place._replace(metric="group"), int(found.group[number]), len(entries)))
        made.append(result_row(place._replace(metric="rank"), *ranked))
    for i, (label, table) in enumerate(entries):
        for j in range(i + 1, len(entries)):
            both = zip(label, entries[j].label, strict=True)
            names = SpaceLabel._make(a if a == b else f"{a} - {b}" for a, b in both)
            setting = f"{table.setting} - {table.setting}"
            place = Place(*names, setting=setting, seed_size=int(table.seed_size), **columns)
            numbers = (found.value[i] - found.value[j], found.low[i, j], found.high[i, j], found.p[i, j])
            value, low, high, p = (figure(float(number)) for number in numbers)
            made.append(result_row(place._replace(metric=f"{metric}_all_models"), value, gain.shape[1], low, high))
            made.append(result_row(place._replace(metric=f"{metric}_all_models_p"), p, gain.shape[1]))
    return made


def _highest(
    gain: np.ndarray, difference: np.ndarray, error: np.ndarray, draws: int, rng_seed: int
) -> Float[np.ndarray, " draw"]:
    """The largest |t| of all pairs in each draw, its differences centred at those observed."""
    models, queries = gain.shape
    first, second = np.triu_indices(models, 1)
    means = precision.resamples(queries, draws, rng_seed).astype(np.float64) @ gain.T / queries
    highest = np.zeros(draws)
    for start in range(0, len(first), 512):  # 100 models have 4,950 pairs: not all in memory at once
        part = slice(start, start + 512)
        drawn = means[:, first[part]] - means[:, second[part]] - difference[part]
        highest = np.maximum(highest, np.abs(drawn / error[part]).max(axis=1))
    return highest


def _groups(value: np.ndarray, better: np.ndarray) -> Int[np.ndarray, " model"]:
    group, head, number = np.zeros(len(value), np.int64), -1, 0
    for model in np.argsort(-value, kind="stable"):
        if head < 0 or better[head, model]:
            head, number = model, number + 1
        group[model] = number
    return group


def _square(upper: np.ndarray, lower: np.ndarray, size: int) -> np.ndarray:
    """Values of the pairs (first, second) above the diagonal and of (second, first) below it; 0 on it."""
    square = np.zeros((size, size))
    first, second = np.triu_indices(size, 1)
    square[first, second], square[second, first] = upper, lower
    return square
