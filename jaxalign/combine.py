"""Rows made of other rows: several splits as one figure, and what ties may change."""

from collections.abc import Sequence

import numpy as np

from jaxalign import evaluate, score

FIGURES = ("value", "count", "low", "high")


def ties(rows: Sequence[dict], found: Sequence[evaluate.Outcome], languages: Sequence[str]) -> list[dict]:
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
    found: dict[tuple, list[dict]] = {}
    for row in (row for number, rows in enumerate(per_split) for row in rows if not (number and is_p(row))):
        found.setdefault(tuple(row[name] for name in score.COLUMNS if name not in FIGURES), []).append(row)
    made = []
    for same in found.values():
        value, low, high = (np.array([row[name] for row in same]) for name in ("value", "low", "high"))
        spread = 1.959964 * np.std(value, ddof=1) if len(same) > 1 else 0.0
        below, above = np.sqrt(np.mean(value - low) ** 2 + spread**2), np.sqrt(np.mean(high - value) ** 2 + spread**2)
        mean, count = float(value.mean()), sum(row["count"] for row in same)
        lowest = -1.0 if " - " in same[0]["setting"] + same[0]["subset"] else 0.0  # a difference may be negative
        bounds = dict(low=max(lowest, mean - float(below)), high=min(1.0, mean + float(above)))
        made.append(same[0] | dict(value=mean, count=count) | bounds)
    return made
