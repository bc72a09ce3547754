"""This engine, called as a user calls it."""

import numpy as np

from jaxalign.alignment import procrustes
from jaxalign.alignment.normalize import normalize, unit_rows
from jaxalign.alignment.products import matmul
from jaxalign.evaluation import pairs
from jaxalign.retrieval import vocabulary

from . import Task

DEPTH = None
STEPS = ("unit", "center", "unit")


def run(task: Task) -> dict[str, np.ndarray]:
    """All ranks of all pairs and settings from one call, or one pair in one direction as word translation."""
    if not task.both_directions:
        return one_direction(task)
    every = len(task.queries) == len(task.vocabulary)
    ranks = pairs.rank(
        task.spaces,
        seed=task.seed,
        test=task.vocabulary[task.queries],
        settings=task.settings,
        csls_k=task.csls_k,
        candidates="test" if every else "all",
        best=False,
    )
    return {setting: np.asarray(ranks[setting]) for setting in task.settings}


def one_direction(task: Task) -> dict[str, np.ndarray]:
    """Ranks from the first into the second language after the map."""
    source, target = (normalize(vectors, STEPS) for vectors in list(task.spaces.values())[:2])
    turn = procrustes.rotation(source[task.seed], target[task.seed])
    source, target = unit_rows(matmul(source[task.vocabulary], turn)), target[task.vocabulary]
    found = vocabulary.ranks(source, target, task.queries, task.queries[:, None], csls_k=task.csls_k, best=False)
    ranks = task.empty()
    ranks["after"][0, 1] = np.asarray(found.rank)
    return ranks
