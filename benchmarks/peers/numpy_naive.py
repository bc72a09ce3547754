"""NumPy as written from the formulas: every ordered pair by itself, whole matrices, one sort per row."""

import numpy as np

from . import Task, normalized

DEPTH = None


def run(task: Task) -> dict[str, np.ndarray]:
    """All ranks, one ordered pair and setting after the other."""
    spaces, ranks = normalized(task), task.empty()
    for i, j in task.ordered():
        for setting in task.settings:
            source, target = spaces[i], spaces[j]
            if setting == "after":
                left, _, right = np.linalg.svd(source[task.seed].T @ target[task.seed])
                source = source @ (left @ right)
            similarity = source[task.vocabulary] @ target[task.vocabulary].T
            r = np.sort(similarity, axis=0)[-task.csls_k :].mean(0)
            scores = 2 * similarity[task.queries] - r
            answer = scores[np.arange(len(task.queries)), task.queries]
            ranks[setting][i, j] = 1 + (scores > answer[:, None]).sum(1)
    return ranks
