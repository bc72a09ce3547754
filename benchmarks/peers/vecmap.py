"""vecmap (Artetxe et al. 2018) as its public code works on NumPy in float32; written independently.

Supervised orthogonal mapping of every ordered pair, then CSLS with the target's r only, by k passes of argmax over
batches of 500.
"""

import numpy as np

from . import Task, normalized, unit_rows

DEPTH = 1
BATCH = 500


def run(task: Task) -> dict[str, np.ndarray]:
    """1 where the best candidate is right, else 2."""
    spaces, ranks = normalized(task), task.empty()
    for i, j in task.ordered():
        for setting in task.settings:
            source, target = spaces[i][task.vocabulary], spaces[j][task.vocabulary]
            if setting == "after":
                left, _, right = np.linalg.svd(spaces[j][task.seed].T.dot(spaces[i][task.seed]))
                source = source.dot(right.T.dot(left.T))
            best = csls_best(unit_rows(source), unit_rows(target), task)
            ranks[setting][i, j] = np.where(best == task.queries, 1, 2)
    return ranks


def csls_best(source: np.ndarray, target: np.ndarray, task: Task) -> np.ndarray:
    """The best candidate of each query."""
    r = np.zeros(len(target))
    for start in range(0, len(target), BATCH):
        r[start : start + BATCH] = mean_of_best(target[start : start + BATCH].dot(source.T), task.csls_k)
    best = np.empty(len(task.queries), np.int64)
    for start in range(0, len(task.queries), BATCH):
        queries = task.queries[start : start + BATCH]
        best[start : start + BATCH] = (2 * source[queries].dot(target.T) - r).argmax(1)
    return best


def mean_of_best(rows: np.ndarray, k: int) -> np.ndarray:
    """Mean of the k best of each row, which are overwritten."""
    total, every, lowest = np.zeros(len(rows), rows.dtype), np.arange(len(rows)), rows.min()
    for _ in range(k):
        best = rows.argmax(1)
        total += rows[every, best]
        rows[every, best] = lowest
    return total / k
