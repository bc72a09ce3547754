"""Ranks of planted spaces on as many CPU devices as XLA_FLAGS makes, to a file: run by test_pairs_on_mesh."""

import sys

import jax
import numpy as np

from jaxalign.evaluation import pairs
from tests.conftest import planted

if __name__ == "__main__":
    assert jax.device_count() == int(sys.argv[2])
    order = np.random.default_rng(0).permutation(150)
    found = pairs.rank(
        planted(0, 150, 24, languages=4),
        seed=order[:60],
        test=order[60:140],
        settings=("after", "null"),
        seed_sizes=(16,),
        null_draws=2,
        completion=sys.argv[3],
        procrustes=sys.argv[4],
    )
    np.savez(sys.argv[1], *(np.stack([one.rank, one.best, one.ties]) for one in found.tables))
