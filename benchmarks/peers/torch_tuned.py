"""PyTorch with the engine's algebra.

One decomposition and one product for both directions, ranks by counting in row chunks, every large output preallocated;
two sweeps of products where the similarity is too large.
"""

import numpy as np
import torch

from . import Task

DEPTH = None
CHUNK = 512
WHOLE_BYTES = 4 << 30  # above this the similarity is computed twice, tile by tile


@torch.inference_mode()
def run(task: Task) -> dict[str, np.ndarray]:
    """All ranks; buffers are made once and reused by every pair."""
    ranks = task.empty()
    unit = torch.nn.functional.normalize
    spaces = [unit(torch.from_numpy(vectors)) for vectors in task.spaces.values()]
    spaces = [unit(space - space.mean(0)) for space in spaces]
    seed, vocabulary, queries = (torch.from_numpy(rows) for rows in (task.seed, task.vocabulary, task.queries))
    seeds = [space[seed] for space in spaces]
    words = [space[vocabulary] for space in spaces]
    del spaces
    size, features = words[0].shape
    mapped = torch.empty(size, features)
    whole = 4 * size * size <= WHOLE_BYTES
    similarity = torch.empty(size if whole else CHUNK, size)
    scratch = torch.empty(CHUNK, size)
    for i, j in task.unordered():
        for setting in task.settings:
            source = words[i]
            if setting == "after":
                left, _, right = torch.linalg.svd(seeds[i].T @ seeds[j])
                source = torch.mm(source, left @ right, out=mapped)
            if whole:
                torch.mm(source, words[j].T, out=similarity)
                both(similarity, queries, task.csls_k, scratch, ranks[setting], i, j)
            else:
                two_sweeps(source, words[j], queries, task, similarity, scratch, ranks[setting], i, j)
    return ranks


def both(similarity, queries, k, scratch, ranks, i, j):
    """Ranks of both directions from one similarity: its rows, and its columns."""
    size = len(similarity)
    r_source = similarity.topk(k, 1, sorted=False).values.mean(1)
    r_target = similarity.topk(k, 0, sorted=False).values.mean(0)  # not slower than chunks copied to rows
    every = len(queries) == size
    answer = 2 * similarity[queries, queries] - r_source[queries]
    above = torch.zeros(len(queries), dtype=torch.int64)
    for start in range(0, size, CHUNK):
        rows = similarity[start : start + CHUNK]
        cells = rows if every else rows[:, queries]
        scores = torch.mul(cells, 2, out=scratch[: len(rows), : len(queries)])
        above += (scores.sub_(r_source[start : start + CHUNK, None]) > answer).sum(0)
    ranks[j, i] = 1 + above.numpy()
    for start in range(0, len(queries), CHUNK):
        chunk = queries[start : start + CHUNK]
        rows = similarity[start : start + CHUNK] if every else similarity[chunk]
        ranks[i, j, start : start + CHUNK] = row_ranks(rows, r_target, chunk, scratch)


def row_ranks(rows, r_target, right, scratch):
    """1 + the cells of each row that score above the right answer."""
    scores = torch.mul(rows, 2, out=scratch[: len(rows)]).sub_(r_target)
    answer = scores.gather(1, right[:, None])
    return 1 + (scores > answer).sum(1).numpy()


def two_sweeps(source, target, queries, task, tile, scratch, ranks, i, j):
    """Ranks with no more than one tile of the similarity in memory; one direction at a time."""
    directions = ((source, target, i, j), (target, source, j, i))[: 2 if task.both_directions else 1]
    for left, right, from_, to in directions:
        size = len(right)
        r = torch.empty(size)
        for start in range(0, size, CHUNK):
            part = right[start : start + CHUNK]
            cells = torch.mm(part, left.T, out=tile[: len(part)])
            r[start : start + CHUNK] = cells.topk(task.csls_k, 1, sorted=False).values.mean(1)
        for start in range(0, len(queries), CHUNK):
            chunk = queries[start : start + CHUNK]
            cells = torch.mm(left[chunk], right.T, out=tile[: len(chunk)])
            ranks[from_, to, start : start + CHUNK] = row_ranks(cells, r, chunk, scratch)
