"""Ranks of every pair in every setting by `jaxalign.reference`, and the ranks that near ties allow.

Rows are concepts and a map is applied on the right, `source @ rotation`. What is compared with this must agree except
where two candidates are closer than its rounding: `reference_bounds` gives the ranks that such near ties allow.

Procrustes: Schoenemann 1966. CSLS and its r (mean of the k best): Conneau et al. 2018, equation 5. Inverted softmax:
Smith et al. 2017, equation 6.
"""

import numpy as np

from jaxalign.reference import csls, procrustes, unit_rows
from jaxalign.reference import normalize as normalized


def reference_scores(source, target, rotation, retrieval="csls", csls_k=10, beta=30.0):
    """Retrieval scores (source row, target row), higher is better, up to a constant of the row.

    The cosine is taken between `source @ rotation` and the part of the target that the map reaches, so that the two
    directions are transposes of each other.
    """
    cosine = unit_rows(source @ rotation) @ unit_rows(target @ rotation.T @ rotation).T
    if retrieval == "nn":
        return cosine
    if retrieval == "csls":
        return csls(cosine, csls_k)
    return beta * cosine - np.log(np.exp(beta * cosine).sum(0))


def fitted_rotation(source, target, seed, test, setting, completion, shuffled):
    """The map of one pair in one setting; `shuffled` pairs seed[p] with shuffled[p] in `null`."""
    if setting == "before":
        return np.eye(source.shape[1])
    rows = np.concatenate([seed, test]) if setting == "ceiling" else np.asarray(seed)
    return procrustes(source[rows], target[shuffled if setting == "null" else rows], completion)


def reference_pairs(spaces, seed, test, setting, retrieval, csls_k, candidates, normalize, completion, shuffled=None):
    """Yields (i, j, scores of the queries, column of the right answer of each query), ordered pairs."""
    spaces = [normalized(vectors, normalize) for vectors in spaces.values()]
    rows = np.arange(len(spaces[0])) if candidates == "all" else np.asarray(test)
    queries = np.asarray(test) if candidates == "all" else np.arange(len(test))
    for i, source in enumerate(spaces):
        for j, target in enumerate(spaces[i + 1 :], i + 1):
            rotation = fitted_rotation(source, target, seed, test, setting, completion, shuffled)
            there, back = (i, j, source[rows], target[rows], rotation), (j, i, target[rows], source[rows], rotation.T)
            for first, second, queried, candidate, map_ in (there, back):
                scores = reference_scores(queried, candidate, map_, retrieval, csls_k)
                yield first, second, scores[queries], queries


def reference_bounds(
    spaces, seed, test, setting, retrieval="csls", csls_k=10, candidates="all",
    normalize=("unit", "center", "unit"), completion="drop", tolerance=0.0, shuffled=None,
):  # fmt: skip
    """Lowest and highest rank if every score is off by up to `tolerance`, two (source, target, query).

    With tolerance 0 the lowest is the rank: 1 + the number of candidates that score strictly higher. The highest counts
    ties against the answer. The diagonal is 0.
    """
    shape = (len(spaces), len(spaces), len(test))
    lowest, highest = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for i, j, scores, right in reference_pairs(
        spaces, seed, test, setting, retrieval, csls_k, candidates, normalize, completion, shuffled
    ):
        margin = scores - scores[np.arange(len(right)), right][:, None]
        lowest[i, j] = 1 + (margin > 2 * tolerance).sum(1)
        highest[i, j] = (margin >= -2 * tolerance).sum(1)
    return lowest, highest


def reference_ranks(spaces, seed, test, setting, retrieval="csls", csls_k=10, candidates="all",
                    normalize=("unit", "center", "unit"), completion="drop", shuffled=None):  # fmt: skip
    """Rank of the right answer, 1 + the candidates that score strictly higher, (source, target, query)."""
    return reference_bounds(
        spaces, seed, test, setting, retrieval, csls_k, candidates, normalize, completion, 0.0, shuffled
    )[0]


def differing(ranks, lowest, highest, off_diagonal=True):
    """(ranks outside their bounds, queries whose bounds leave a choice, all queries), counts over ordered pairs."""
    pairs = ~np.eye(len(ranks), dtype=bool) if off_diagonal else np.ones(ranks.shape[:2], bool)
    outside = (ranks < lowest) | (ranks > highest)
    return int(outside[pairs].sum()), int((lowest != highest)[pairs].sum()), int(pairs.sum() * ranks.shape[2])
