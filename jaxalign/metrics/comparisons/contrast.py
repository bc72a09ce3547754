"""The difference of two mean scores over the same or over different concepts, with interval, p-value and null.

A side is a weighted mean over cells (a model and a pair of languages) of a mean over concepts. Concepts are resampled,
never cells: a cell's correlation with others over the same concepts stays.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from jaxalign.metrics import precision
from jaxalign.types import InputError


class Side(NamedTuple):
    """What is averaged: what each query adds in each cell, and which queries of the cell count."""

    gain: Float[np.ndarray, "cell query"]
    mask: Bool[np.ndarray, "cell query"]
    weight: Float[np.ndarray, " cell"]  # sums to 1

    def value(self) -> float:
        """The weighted mean over cells of the mean over their queries."""
        return float(self.weight @ ((self.gain * self.mask).sum(axis=1) / self.mask.sum(axis=1)))

    def per_query(self) -> Float[np.ndarray, " query"]:
        """The weighted mean over cells of each query; only of use where all cells have one mask."""
        return self.weight @ self.gain


class Contrast(NamedTuple):
    """Left less right."""

    value: float
    low: float  # 95 % interval
    high: float
    p: float  # two-sided, of a difference equal to the margin
    null_low: float  # the middle 95 % of the differences where there is nothing but the margin
    null_high: float
    queries: int  # concepts of the smaller side
    drawn: Float[np.ndarray, " draw"]  # resampled differences


def contrast(left: Side, right: Side, margin: float = 0.0, draws: int = 1999, rng_seed: int = 0) -> Contrast:
    """Returns the difference of two sides, tested against `margin`.

    Interval: percentile bootstrap over concepts (Efron 1979), the same draws for both sides where they share concepts,
    independent ones where they do not. p: sign flips of the concepts' differences less the margin where both sides have
    the same concepts (Fisher 1935), labels dealt anew where they have none in common, both with (1 + as far) /
    (1 + draws); else, where masks differ from cell to cell, the share of resampled differences beyond the margin, twice
    the smaller side. Raises InputError where a cell has no concept.
    """
    if not left.mask.any(axis=1).all() or not right.mask.any(axis=1).all():
        raise InputError("Expected concepts on both sides of the comparison, got none. Change the subset or the pairs.")
    first, second = left.mask.any(axis=0), right.mask.any(axis=0)
    shared = bool((first & second).any())
    drawn = _drawn(left, draws, rng_seed, 0 if shared else 1) - _drawn(right, draws, rng_seed, 0 if shared else 2)
    value = left.value() - right.value()
    low, high = (float(bound) for bound in precision.bounds(drawn))
    queries = int(min(first.sum(), second.sum()))
    if high - low < 1e-12:  # no spread to resample
        low, high = value - precision.wilson_width(queries), value + precision.wilson_width(queries)
    one_mask = (left.mask == first).all() and (right.mask == second).all()
    p: float | None = None
    if one_mask and (first == second).all():
        by_chance = _flipped((left.per_query() - right.per_query())[first] - margin, draws, rng_seed)
    elif one_mask and not shared:
        by_chance = _dealt(left.per_query()[first] - margin, right.per_query()[second], draws, rng_seed)
    else:
        by_chance = drawn - value
        beyond = min(np.sum(drawn <= margin), np.sum(drawn >= margin))
        p = min(1.0, 2 * (1 + float(beyond)) / (1 + draws))
    if p is None:
        p = float((1 + np.sum(np.abs(by_chance) >= abs(value - margin) - 1e-9)) / (1 + draws))
    null_low, null_high = (float(point) for point in np.quantile(by_chance + margin, (0.025, 0.975)))
    return Contrast(value, low, high, p, null_low, null_high, queries, drawn)


def _drawn(side: Side, draws: int, rng_seed: int, stream: int) -> Float[np.ndarray, " draw"]:
    weights = precision.resamples(side.gain.shape[1], draws, rng_seed, stream)
    total, size = (side.gain * side.mask) @ weights.T, side.mask.astype(np.float64) @ weights.T
    # A draw without any concept of a small subset says nothing: the cell stands at its value.
    own = (side.gain * side.mask).sum(axis=1, keepdims=True) / side.mask.sum(axis=1, keepdims=True)
    return np.asarray(side.weight @ np.where(size > 0, total / np.maximum(size, 1), own), np.float64)


def _flipped(difference: np.ndarray, draws: int, rng_seed: int) -> Float[np.ndarray, " draw"]:
    signs = np.random.default_rng(rng_seed).integers(0, 2, (draws, len(difference))) * 2 - 1
    return signs @ difference / len(difference)


def _dealt(left: np.ndarray, right: np.ndarray, draws: int, rng_seed: int) -> Float[np.ndarray, " draw"]:
    both, size = np.concatenate([left, right]), len(left)
    dealt = np.random.default_rng(rng_seed).permuted(np.broadcast_to(both, (draws, len(both))), axis=1)
    return np.asarray(dealt[:, :size].mean(axis=1) - dealt[:, size:].mean(axis=1))
