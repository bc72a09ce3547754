"""scikit-learn: `pairwise_distances_chunked` over cosine distances with a partial sort for r, then a second pass that
counts."""

import numpy as np
from sklearn.metrics import pairwise_distances_chunked

from . import Task, normalized

DEPTH = None


def run(task: Task) -> dict[str, np.ndarray]:
    """All ranks; the map is NumPy's, fitted once for both directions."""
    spaces, ranks = normalized(task), task.empty()
    words = [space[task.vocabulary] for space in spaces]
    for i, j in task.unordered():
        for setting in task.settings:
            source, target = words[i], words[j]
            if setting == "after":
                left, _, right = np.linalg.svd(spaces[i][task.seed].T @ spaces[j][task.seed])
                source = source @ (left @ right)
            ranks[setting][i, j] = csls_ranks(source, target, task)
            if task.both_directions:
                ranks[setting][j, i] = csls_ranks(target, source, task)
    return ranks


def csls_ranks(source: np.ndarray, target: np.ndarray, task: Task) -> np.ndarray:
    """Rank of the right answer of each query; with the cosine distance c, CSLS is 2 - 2c - r."""

    def best(distances: np.ndarray, start: int) -> np.ndarray:
        distances.partition(task.csls_k - 1, axis=1)
        return 1 - distances[:, : task.csls_k].mean(1)

    def place(distances: np.ndarray, start: int) -> np.ndarray:
        distances *= 2
        distances += r
        right = task.queries[start : start + len(distances)]
        return 1 + (distances < distances[np.arange(len(right)), right][:, None]).sum(1)

    r = np.concatenate(list(pairwise_distances_chunked(target, source, reduce_func=best, metric="cosine")))
    queries = source[task.queries]
    return np.concatenate(list(pairwise_distances_chunked(queries, target, reduce_func=place, metric="cosine")))
