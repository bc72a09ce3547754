"""The p-value of a value among draws of its null, equal values in random order."""

import zlib

import numpy as np
from jaxtyping import Float


def p_value(
    null: Float[np.ndarray, "draw *cell"], observed: Float[np.ndarray, "*cell"], rng_seed: int, about: np.ndarray
) -> Float[np.ndarray, "*cell"]:
    """(1 + draws above the value + its place among the draws that equal it) / (1 + draws), for every cell.

    Scores of few queries have few values, and draws that all counted as higher would make p too large. The place is
    drawn from 0 to the number of equals, so that p is 1 / (1 + draws), 2 / (1 + draws), ... with equal chance where the
    value is one more draw of the null (a randomised test: Lehmann and Romano 2005, 3.2). It depends on `rng_seed` and
    `about`, what was measured: the same measurement has the same p.
    """
    null, observed = np.asarray(null, np.float64), np.asarray(observed, np.float64)
    digest = zlib.crc32(np.ascontiguousarray(about).tobytes())
    equal = np.sum(np.abs(null - observed) <= 1e-9, axis=0)
    place = np.random.default_rng([rng_seed, digest]).integers(0, equal + 1)
    return np.asarray((1 + np.sum(null > observed + 1e-9, axis=0) + place) / (1 + len(null)), np.float64)
