"""SciPy: `scipy.linalg.orthogonal_procrustes` for the map, NumPy's partial sort for the neighbourhoods."""

import numpy as np
import scipy.linalg

from . import Task, normalized

DEPTH = None


def run(task: Task) -> dict[str, np.ndarray]:
    """All ranks, one ordered pair and setting after the other."""
    spaces, ranks = normalized(task), task.empty()
    for i, j in task.ordered():
        for setting in task.settings:
            source, target = spaces[i][task.vocabulary], spaces[j][task.vocabulary]
            if setting == "after":
                source = source @ scipy.linalg.orthogonal_procrustes(spaces[i][task.seed], spaces[j][task.seed])[0]
            similarity = source @ target.T
            r = np.partition(similarity.T, -task.csls_k, axis=1)[:, -task.csls_k :].mean(1)
            scores = 2 * similarity[task.queries] - r
            answer = scores[np.arange(len(task.queries)), task.queries]
            ranks[setting][i, j] = 1 + (scores > answer[:, None]).sum(1)
    return ranks
