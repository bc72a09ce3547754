"""Samples of abstract and physical concepts that are alike in covariates such as frequency."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int64

# Greatest distance of a pair, in standard deviations, from the most to the least generous.
_CALIPERS = (np.inf, 2.0, 1.0, 0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01, 0.0)


class MatchedPairs(NamedTuple):
    """Pairs of an abstract and a physical row that are alike in covariates."""

    abstract: Int64[np.ndarray, " pair"]
    physical: Int64[np.ndarray, " pair"]
    differences: dict[str, float]  # standardised difference of means, abstract - physical; nan without pairs


def match(
    kinds: Sequence[str], covariates: Mapping[str, np.ndarray], rng_seed: int = 0, *, limit: float = 0.1
) -> MatchedPairs:
    """Returns as many abstract as physical rows, alike in all `covariates` (name -> one number per row).

    Nearest neighbour matching without replacement: rows of the rarer kind, in random order, take the nearest unused row
    of the other kind within a caliper; the distance is the greatest difference in any covariate, in standard
    deviations. The caliper is the widest one for which each covariate's standardised difference of means,
    (mean_a - mean_p) / sqrt((var_a + var_p) / 2), is below `limit` with the variances before and after matching (Austin
    2011, doi:10.1080/00273171.2011.568786). Rows with a covariate that is not a finite number are left out. If no
    caliper is narrow enough, the pairs are those equal in every covariate; there may be none.
    """
    names = list(covariates)
    values = np.array([np.asarray(covariates[name], float) for name in names]).reshape(len(names), len(kinds))
    usable = np.isfinite(values).all(axis=0)
    rows = {kind: np.flatnonzero((np.array(kinds, dtype=str) == kind) & usable) for kind in ("abstract", "physical")}
    rarer, other = sorted(rows, key=lambda kind: len(rows[kind]))
    if not len(rows[rarer]):
        return MatchedPairs(rows[rarer], rows[rarer], dict.fromkeys(names, float("nan")))
    deviation = _pooled_deviation(values[:, rows["abstract"]], values[:, rows["physical"]])
    unit = np.where(deviation > 0, deviation, 1.0)[:, None]
    distance = np.zeros((len(rows[rarer]), len(rows[other])))
    for scaled in values / unit:
        distance = np.maximum(distance, np.abs(scaled[rows[rarer]][:, None] - scaled[rows[other]][None]))
    order = np.random.default_rng(rng_seed).permutation(len(rows[rarer]))
    for caliper in _CALIPERS:
        pairs = _nearest_pairs(distance, order, caliper)
        chosen = {rarer: rows[rarer][pairs[:, 0]], other: rows[other][pairs[:, 1]]}
        differences = _standardised_differences(values, chosen["abstract"], chosen["physical"], deviation)
        if len(pairs) and np.all(np.abs(differences) < limit):
            break
    by_name = dict(zip(names, differences.tolist(), strict=True))
    return MatchedPairs(chosen["abstract"], chosen["physical"], by_name)


def _nearest_pairs(distance: np.ndarray, order: np.ndarray, caliper: float) -> np.ndarray:
    """(pair, 2) positions in rows and columns of `distance`, sorted by row; each column is used once."""
    used = np.zeros(distance.shape[1])  # infinite once a column is used
    pairs = []
    for row in order:
        cost = distance[row] + used
        nearest = int(np.argmin(cost))
        if cost[nearest] <= caliper and np.isfinite(cost[nearest]):
            pairs.append((int(row), nearest))
            used[nearest] = np.inf
    return np.array(sorted(pairs), np.int64).reshape(-1, 2)


def _pooled_deviation(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Square root of the mean of both variances, for each covariate."""
    return np.sqrt((a.var(axis=1) + b.var(axis=1)) / 2)


def _standardised_differences(
    values: np.ndarray, abstract: np.ndarray, physical: np.ndarray, before: np.ndarray
) -> np.ndarray:
    """Differences of means over the smaller of the deviations before and after matching; 0 where means are equal."""
    if not len(abstract):
        return np.full(len(values), np.nan)
    a, b = values[:, abstract], values[:, physical]
    deviation = np.minimum(before, _pooled_deviation(a, b))
    gap = a.mean(axis=1) - b.mean(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(gap == 0, 0.0, gap / deviation)
