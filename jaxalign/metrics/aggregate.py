"""Rows made of other rows: several splits as one figure."""

from collections.abc import Sequence
from operator import itemgetter

import numpy as np

from jaxalign.metrics.rows import Place, ResultRow, figure, result_row


def is_p(row: ResultRow) -> bool:
    """Whether a row holds a p-value, which has no mean over splits: that of the first split stands."""
    return row["metric"].endswith("_p")


def over_splits(per_split: Sequence[Sequence[ResultRow]]) -> list[ResultRow]:
    """Rows of several splits as one: the mean, and a 95 % interval from the spread within and between splits.

    Variance of the mean's interval = mean within-split variance + variance between splits; the splits share concepts,
    so neither shrinks with their number.
    """
    place_of = itemgetter(*Place._fields)
    groups: dict[Place, list[ResultRow]] = {}
    for number, rows in enumerate(per_split):
        for row in rows:
            if not (number and is_p(row)):
                groups.setdefault(Place(*place_of(row)), []).append(row)
    by_size: dict[int, list[Place]] = {}
    for place, same in groups.items():
        by_size.setdefault(len(same), []).append(place)
    means: dict[Place, ResultRow] = {}
    for places in by_size.values():
        means.update(zip(places, _means(places, [groups[place] for place in places]), strict=True))
    return [means[place] for place in groups]


def _means(places: Sequence[Place], groups: Sequence[Sequence[ResultRow]]) -> list[ResultRow]:
    """One row for each group; all groups have as many rows."""
    value, low, high, count = (
        np.array([[row[name] for row in same] for same in groups], float) for name in ("value", "low", "high", "count")
    )
    spread = 1.959964 * np.std(value, axis=1, ddof=1) if value.shape[1] > 1 else np.zeros(len(value))
    mean, below, above = value.mean(1), np.mean(value - low, axis=1), np.mean(high - value, axis=1)
    # A difference may be negative.
    lowest = [-1.0 if " - " in place.setting + place.subset else 0.0 for place in places]
    bounds = np.maximum(lowest, mean - np.hypot(below, spread)), np.minimum(1.0, mean + np.hypot(above, spread))
    columns = (*(map(figure, column.tolist()) for column in (mean, *bounds)), count.sum(1).tolist())
    return [result_row(place, v, int(n), a, b) for place, v, a, b, n in zip(places, *columns, strict=True)]
