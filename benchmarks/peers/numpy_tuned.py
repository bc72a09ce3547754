"""NumPy with the engine's algebra.

One decomposition and one product for both directions, ranks by counting, outputs preallocated, the k best through
maxima of blocks of 16.
"""

import numpy as np

from . import Task, normalized

DEPTH = None
CHUNK = 256


def run(task: Task) -> dict[str, np.ndarray]:
    """All ranks; the similarity of one pair stands in one buffer that every pair reuses."""
    spaces, ranks = normalized(task), task.empty()
    words = [space[task.vocabulary] for space in spaces]
    size, features = words[0].shape
    similarity = np.empty((size, size), np.float32)
    turned, mapped = np.empty((CHUNK, size), np.float32), np.empty((size, features), np.float32)
    for i, j in task.unordered():
        for setting in task.settings:
            source = words[i]
            if setting == "after":
                left, _, right = np.linalg.svd(spaces[i][task.seed].T @ spaces[j][task.seed])
                source = np.matmul(source, left @ right, out=mapped)
            np.matmul(source, words[j].T, out=similarity)
            r_source, r_target = neighbourhoods(similarity, turned, task.csls_k)
            count_ranks(similarity, r_source, r_target, task.queries, turned, ranks[setting], i, j)
    return ranks


def neighbourhoods(similarity: np.ndarray, turned: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean of the k best of each row and of each column."""
    size = len(similarity)
    r_source, r_target = np.empty(size, np.float32), np.empty(size, np.float32)
    for start in range(0, size, CHUNK):
        stop = min(start + CHUNK, size)
        r_source[start:stop] = mean_of_best(similarity[start:stop], k)
        turned[: stop - start] = similarity[:, start:stop].T
        r_target[start:stop] = mean_of_best(turned[: stop - start], k)
    return r_source, r_target


def mean_of_best(rows: np.ndarray, k: int, block: int = 16) -> np.ndarray:
    """Exact mean of the k best of each row: they lie in the k blocks with the largest maxima, or in the last cells."""
    blocks = rows.shape[1] // block
    if blocks <= 2 * k:
        return np.partition(rows, -k, axis=1)[:, -k:].mean(1)
    cells = rows[:, : blocks * block].reshape(len(rows), blocks, block)
    best = np.argpartition(cells.max(2), -k, axis=1)[:, -k:]
    few = np.take_along_axis(cells, best[:, :, None], 1).reshape(len(rows), k * block)
    few = np.concatenate([few, rows[:, blocks * block :]], 1)
    return np.partition(few, -k, axis=1)[:, -k:].mean(1)


def count_ranks(similarity, r_source, r_target, queries, scratch, ranks, i, j) -> None:
    """Fills both directions: the cells of a row, and of a column, that score above the right answer."""
    for start in range(0, len(queries), CHUNK):
        rows = queries[start : start + CHUNK]
        scores = np.multiply(similarity[rows], 2, out=scratch[: len(rows)])
        scores -= r_target
        answer = scores[np.arange(len(rows)), rows]
        ranks[i, j, start : start + len(rows)] = 1 + np.count_nonzero(scores > answer[:, None], axis=1)
    answer = 2 * similarity[queries, queries] - r_source[queries]
    above = np.zeros(len(queries), np.int64)
    all_queries = len(queries) == len(similarity)
    for start in range(0, len(similarity), CHUNK):
        stop = min(start + CHUNK, len(similarity))
        cells = similarity[start:stop] if all_queries else similarity[start:stop, queries]
        scores = np.multiply(cells, 2, out=scratch[: stop - start, : len(queries)])
        scores -= r_source[start:stop, None]
        above += np.count_nonzero(scores > answer, axis=0)
    ranks[j, i] = 1 + above
