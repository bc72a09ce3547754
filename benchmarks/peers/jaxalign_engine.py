"""This engine, called as a user calls it."""

import numpy as np

from jaxalign import evaluate

from . import Task

DEPTH = None


def run(task: Task) -> dict[str, np.ndarray]:
    """All ranks of all pairs and settings from one call."""
    every = len(task.queries) == len(task.vocabulary)
    ranks = evaluate.ranks(
        task.spaces,
        seed=task.seed,
        test=task.vocabulary[task.queries],
        settings=task.settings,
        csls_k=task.csls_k,
        candidates="test" if every else "all",
    )
    return {setting: np.asarray(ranks[setting]) for setting in task.settings}
