"""Rows made of other rows: several splits as one figure, and what ties may change."""

from collections.abc import Sequence
from operator import itemgetter

import numpy as np

from jaxalign.evaluation import pairs
from jaxalign.metrics import precision

FIGURES = ("value", "count", "low", "high")


def ties(rows: Sequence[dict], found: Sequence[pairs.Outcome], languages: Sequence[str]) -> list[dict]:
    """Rows of the metrics `ties`, the share of queries whose right answer scores the same as another candidate, and
    `P@1_strict`, P@1 where a tie counts as lost, for every pair whose P@1 they may change.

    A rank counts only candidates that score strictly higher, so that P@k takes the better side of a tie.
    """
    outcomes = {(one.setting, one.seed_size): one for one in reversed(found)}  # the first draw of each
    place = {code: index for index, code in enumerate(languages)}
    made = []
    for row in rows:
        one = outcomes.get((row["setting"], row["seed_size"]))
        if row["metric"] != "P@1" or row["subset"] != "all" or row["source"] not in place or row["target"] not in place:
            continue
        if one is None or not one.ties[place[row["source"]], place[row["target"]]].any():
            continue
        at = place[row["source"]], place[row["target"]]
        shared, strict = (one.ties[at] > 0).mean(), ((one.rank[at] == 1) & (one.ties[at] == 0)).mean()
        made += [
            row | dict(metric=name, value=float(value), low=float(value), high=float(value))
            for name, value in (("ties", shared), ("P@1_strict", strict))
        ]
    return made


def is_p(row: dict) -> bool:
    """Whether a row holds a p-value, which has no mean over splits: that of the first split stands."""
    return row["metric"].endswith("_p")


def over_splits(per_split: Sequence[Sequence[dict]]) -> list[dict]:
    """Rows of several splits as one: the mean, and a 95 % interval from the spread within and between splits.

    Variance of the mean's interval = mean within-split variance + variance between splits; the splits share concepts,
    so neither shrinks with their number.
    """
    place = itemgetter(*(name for name in precision.COLUMNS if name not in FIGURES))
    found: dict[tuple, list[dict]] = {}
    for number, rows in enumerate(per_split):
        for row in rows:
            if not (number and is_p(row)):
                found.setdefault(place(row), []).append(row)
    by_size: dict[int, list[list[dict]]] = {}
    for same in found.values():
        by_size.setdefault(len(same), []).append(same)
    means = {id(same): row for some in by_size.values() for same, row in zip(some, _means(some), strict=True)}
    return [means[id(same)] for same in found.values()]


def _means(groups: Sequence[Sequence[dict]]) -> list[dict]:
    """One row for each group; all groups have as many rows."""
    value, low, high, count = (np.array([[row[name] for row in same] for same in groups], float) for name in
                               ("value", "low", "high", "count"))  # fmt: skip
    spread = 1.959964 * np.std(value, axis=1, ddof=1) if value.shape[1] > 1 else np.zeros(len(value))
    mean, below, above = value.mean(1), np.mean(value - low, axis=1), np.mean(high - value, axis=1)
    # A difference may be negative.
    lowest = [-1.0 if " - " in same[0]["setting"] + same[0]["subset"] else 0.0 for same in groups]
    bounds = np.maximum(lowest, mean - np.hypot(below, spread)), np.minimum(1.0, mean + np.hypot(above, spread))
    columns = (*(map(precision.figure, column.tolist()) for column in (mean, *bounds)), count.sum(1).tolist())
    return [
        same[0] | dict(value=v, count=int(n), low=a, high=b) for same, v, a, b, n in zip(groups, *columns, strict=True)
    ]
