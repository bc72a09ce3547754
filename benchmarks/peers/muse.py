"""MUSE (Conneau et al. 2018) as its public code works, on CPU; written independently.

Every ordered pair by itself, the map by `scipy.linalg.svd` in float32, the whole source vocabulary mapped, r of both
sides by PyTorch's `topk` over batches of 1,024 (or faiss), then all scores of the queries and the ten best.
"""

import numpy as np
import scipy.linalg
import torch

from . import Task, place_among

DEPTH = 10
BATCH = 1024


def run(task: Task, neighbourhood=None) -> dict[str, np.ndarray]:
    """Ranks down to ten; `neighbourhood` replaces the PyTorch path for r."""
    neighbourhood = neighbourhood or torch_neighbourhood
    ranks = task.empty()
    with torch.no_grad():
        spaces = [normalized(torch.tensor(vectors)) for vectors in task.spaces.values()]
        seed, vocabulary = torch.from_numpy(task.seed), torch.from_numpy(task.vocabulary)
        for i, j in task.ordered():
            for setting in task.settings:
                source, target = spaces[i][vocabulary], spaces[j][vocabulary]
                if setting == "after":
                    source = source.mm(procrustes(spaces[i][seed], spaces[j][seed]).t())
                best = csls_best(source, target, task, neighbourhood)
                ranks[setting][i, j] = place_among(best, task.queries)
    return ranks


def normalized(space: torch.Tensor) -> torch.Tensor:
    """Its option `renorm,center,renorm`, in place."""
    space.div_(space.norm(2, 1, keepdim=True))
    space.sub_(space.mean(0, keepdim=True))
    return space.div_(space.norm(2, 1, keepdim=True))


def procrustes(source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The map for column vectors, as it keeps it."""
    left, _, right = scipy.linalg.svd(target.t().mm(source).numpy(), full_matrices=True)
    return torch.from_numpy(left.dot(right))


def torch_neighbourhood(candidates: torch.Tensor, queries: torch.Tensor, k: int) -> np.ndarray:
    """Mean similarity of each query to its k best candidates."""
    candidates = candidates.t().contiguous()
    batches = (queries[start : start + BATCH].mm(candidates) for start in range(0, len(queries), BATCH))
    return torch.cat([batch.topk(k, dim=1).values.mean(1) for batch in batches]).numpy()


def csls_best(source: torch.Tensor, target: torch.Tensor, task: Task, neighbourhood) -> np.ndarray:
    """The ten best candidates of each query; unit length once more, r of every row of both sides."""
    source = source / source.norm(2, 1, keepdim=True)
    target = target / target.norm(2, 1, keepdim=True)
    r_source = torch.from_numpy(neighbourhood(target, source, task.csls_k))
    r_target = torch.from_numpy(neighbourhood(source, target, task.csls_k))
    queries = torch.from_numpy(task.queries)
    scores = source[queries].mm(target.t())
    scores.mul_(2).sub_(r_source[queries][:, None]).sub_(r_target[None, :])
    return scores.topk(DEPTH, dim=1).indices.numpy()
