"""The task every contender is given, and what they share before they differ.

A contender is one file with `DEPTH` (the largest rank that it knows: 1 = only P@1, None = all of them) and
`run(task) -> {setting: (source, target, query) ranks}`, ranks beyond DEPTH given as DEPTH + 1. All of them normalise by
unit length, centering, unit length, fit orthogonal Procrustes on the seed rows and retrieve with CSLS.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np


class Task(NamedTuple):
    """Spaces whose rows are aligned by concept; the right answer of a query is its own row in the other language."""

    spaces: dict[str, np.ndarray]  # language -> (concept, feature) float32
    seed: np.ndarray  # rows that fit the map
    vocabulary: np.ndarray  # rows that are candidates, and whose neighbourhoods give r
    queries: np.ndarray  # positions in `vocabulary`
    csls_k: int = 10
    settings: tuple[str, ...] = ("before", "after")
    both_directions: bool = True

    def empty(self) -> dict[str, np.ndarray]:
        """Ranks to be filled; a language with itself stays 0."""
        shape = (len(self.spaces), len(self.spaces), len(self.queries))
        return {setting: np.zeros(shape, np.int32) for setting in self.settings}

    def unordered(self) -> list[tuple[int, int]]:
        """Pairs i < j."""
        return [(i, j) for i in range(len(self.spaces)) for j in range(i + 1, len(self.spaces))]

    def ordered(self) -> Iterator[tuple[int, int]]:
        """Each pair in both directions, or in one."""
        for i, j in self.unordered():
            yield i, j
            if self.both_directions:
                yield j, i


def normalized(task: Task) -> list[np.ndarray]:
    """Each space in float32 after unit length, centering, unit length."""
    return [unit_rows(unit - unit.mean(0)) for unit in map(unit_rows, task.spaces.values())]


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    """Rows of length one; a row of zeros stays."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(length > 0, length, 1)


def place_among(best: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Rank of the right answer among the best candidates (query, depth), depth + 1 where it is not there."""
    found = best == right[:, None]
    return np.where(found.any(1), found.argmax(1) + 1, best.shape[1] + 1)
