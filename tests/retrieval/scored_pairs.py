"""Two languages' unit rows of several kinds, and the ranks that float64 allows for them."""

import numpy as np

from jaxalign.reference import unit_rows
from jaxalign.retrieval.penalties import BETA, LEAST

NEAR = 1e-6  # scores this close may change places in float32


def pair(seed, rows, features, kind="plain"):
    """Unit rows of two languages, float32."""
    rng = np.random.default_rng(seed)
    source = rng.standard_normal((rows, features))
    target = source + rng.standard_normal((rows, features))
    if kind == "hubs":
        target[:: max(rows // 5, 1)] = source.mean(0) + 0.01 * target[:: max(rows // 5, 1)]
        source += 2
    if kind == "duplicates":
        target[rows // 2 :] = target[: rows - rows // 2]
    if kind == "same":
        source[:], target[:] = 1, 1
    return unit_rows(source).astype(np.float32), unit_rows(target).astype(np.float32)


def bounds(source, target, tiling, answers, near):
    """Lowest and highest rank of each row's answer when scores may be off by `near`, in float64."""
    cosine = source.astype(float) @ target.astype(float).T
    lowered = np.zeros(len(target))
    if tiling.retrieval in ("csls", "margin"):
        lowered = np.sort(cosine, axis=0)[-tiling.k :].mean(0) / 2
    if tiling.retrieval == "isf":
        lowered = np.log(np.exp(BETA * cosine).sum(0)) / BETA
    scores = cosine - lowered
    if tiling.retrieval == "margin":
        of_rows = np.sort(cosine, axis=1)[:, -tiling.k :].mean(1)[:, None] / 2
        scores = cosine / np.maximum(of_rows + lowered, LEAST)
    margin = scores - scores[np.arange(len(source)), answers][:, None]
    return 1 + (margin > near).sum(1), (margin >= -near).sum(1)
