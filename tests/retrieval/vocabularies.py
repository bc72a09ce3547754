"""Two vocabularies with hubs and a duplicate, and their ranks in float64."""

import numpy as np

from jaxalign.reference import unit_rows


def vocabularies(seed=0, sources=700, targets=450, features=24, noise=0.8):
    rng = np.random.default_rng(seed)
    source = rng.standard_normal((sources, features)) + 0.3  # a common direction makes hubs
    target = np.concatenate([source[: targets - 50], rng.standard_normal((50, features))])
    target = target + noise * rng.standard_normal(target.shape)
    target[7] = target[3]  # a duplicate
    return unit_rows(source).astype(np.float32), unit_rows(target).astype(np.float32)


def reference(source, target, queries, answers, retrieval, k, tolerance=0.0):
    """Lowest and highest rank of the best right answer in float64."""
    cosine = source.astype(float) @ target.astype(float).T
    scores = cosine - (np.sort(cosine, axis=0)[-k:].mean(0) / 2 if retrieval == "csls" else 0)
    scores = scores[queries]
    right = np.take_along_axis(scores, answers, axis=1).max(1, keepdims=True)
    return 1 + (scores > right + tolerance).sum(1), (scores >= right - tolerance).sum(1)
