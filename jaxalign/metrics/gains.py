"""What one query adds to P@k and MRR, given its rank and its ties.

A rank is 1 + the number of candidates that score strictly higher than the right answer.
"""

import numpy as np
from jaxtyping import Float, Int

from jaxalign.types import InputError


def precision_at(ranks: Int[np.ndarray, "*pair query"], k: int) -> Float[np.ndarray, "*pair"]:
    """P@k: the fraction of queries whose right answer stands at rank k or better; (source, target)."""
    return gains(ranks, f"P@{k}").mean(axis=-1)


def mrr(ranks: Int[np.ndarray, "*pair query"]) -> Float[np.ndarray, "*pair"]:
    """The mean reciprocal rank, mean of 1 / rank over the queries; (source, target)."""
    return gains(ranks, "MRR").mean(axis=-1)


def gains(ranks: Int[np.ndarray, "*pair query"], metric: str) -> Float[np.ndarray, "*pair query"]:
    """What each query adds to a metric: 1 or 0 for `P@k`, 1 / rank for `MRR`. A rank below 1 adds nothing."""
    ranks = np.asarray(ranks)
    if metric == "MRR":
        return np.where(ranks >= 1, 1 / np.maximum(ranks, 1), 0.0)
    if not metric.startswith("P@") or not metric[2:].isdigit() or int(metric[2:]) < 1:
        raise InputError(f"Expected a metric of P@1, P@2, ... or MRR, got {metric!r}. Set --k to whole numbers from 1.")
    return ((ranks >= 1) & (ranks <= int(metric[2:]))).astype(np.float64)


def expected_gains(
    ranks: Int[np.ndarray, "*pair query"],
    ties: Int[np.ndarray, "*pair query"],
    metric: str,
    answers: Int[np.ndarray, "*pair query"] | int = 1,
) -> Float[np.ndarray, "*pair query"]:
    """What each query adds to a metric where candidates of equal score stand in random order.

    ranks: 1 + the candidates that score strictly higher; ties: the wrong candidates that score exactly as the right
    answer; answers: the right ones that do. `P@k` is the probability that a right answer is among the first k (of the
    hypergeometric distribution), `MRR` 1 / (rank + ties / (answers + 1)), the reciprocal of the mean place of the first
    right one. The best side of the ties is `gains(ranks, metric)`, the strict side `gains(ranks + ties, metric)`.
    """
    best, ties = gains(ranks, metric), np.asarray(ties)
    if not ties.any():
        return best
    answers = np.broadcast_to(answers, ties.shape)
    if metric == "MRR":
        return np.where(ranks >= 1, 1 / np.maximum(ranks + ties / (answers + 1), 1), 0.0)
    places, missed = np.maximum(int(metric[2:]) + 1 - np.asarray(ranks), 0), np.ones(ties.shape)
    for number in range(answers.max()):  # the chance that no right answer stands in these places
        size = ties + answers - number
        missed *= np.where(number < answers, np.clip(size - places, 0, None) / np.maximum(size, 1), 1.0)
    return np.where(ranks >= 1, 1 - missed, 0.0)


def chance(metric: str, candidates: int) -> float:
    """A metric's expectation when candidates are ordered at random: k/n for P@k, H_n/n for MRR."""
    if metric == "MRR":
        return float(np.sum(1 / np.arange(1, candidates + 1)) / candidates)
    return min(1.0, int(metric[2:]) / candidates)
