"""PyTorch as a careful user writes it: float32, whole matrices, `topk`, every ordered pair by itself."""

import numpy as np
import torch

from . import Task

DEPTH = 10


@torch.inference_mode()
def run(task: Task) -> dict[str, np.ndarray]:
    """Ranks down to ten, one ordered pair and setting after the other."""
    ranks = task.empty()
    unit = torch.nn.functional.normalize
    spaces = [unit(torch.from_numpy(vectors)) for vectors in task.spaces.values()]
    spaces = [unit(space - space.mean(0)) for space in spaces]
    seed, vocabulary, queries = (torch.from_numpy(rows) for rows in (task.seed, task.vocabulary, task.queries))
    for i, j in task.ordered():
        for setting in task.settings:
            source, target = spaces[i][vocabulary], spaces[j][vocabulary]
            if setting == "after":
                left, _, right = torch.linalg.svd(spaces[i][seed].T @ spaces[j][seed])
                source = source @ (left @ right)
            similarity = source @ target.T
            r_source = similarity.topk(task.csls_k, dim=1).values.mean(1)
            r_target = similarity.topk(task.csls_k, dim=0).values.mean(0)
            scores = 2 * similarity[queries] - r_source[queries, None] - r_target
            found = scores.topk(DEPTH, dim=1).indices == queries[:, None]
            place = torch.where(found.any(1), found.int().argmax(1) + 1, DEPTH + 1)
            ranks[setting][i, j] = place.numpy()
    return ranks
