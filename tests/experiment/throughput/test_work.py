"""Compilation is measured apart, and the synthetic spaces share concepts."""

import jax
import numpy as np

from jaxalign.evaluation import pairs
from jaxalign.experiment.throughput import work
from jaxalign.experiment.throughput.work import Roofs, Work


def test_compilation_stands_apart_from_warm_calls():
    calls, double = [], jax.jit(lambda vector: 2 * vector)

    def call():
        calls.append(double(np.ones(3, np.float32)).block_until_ready())

    measured = work.timed(call, 3)
    assert len(calls) == 1 + measured["calls"] == 4
    assert 0 < measured["compile_seconds"] <= measured["first_call_seconds"]


def test_the_roof_is_the_longer_of_products_and_bytes():
    rates = work.rates(Work(8e9, 3e9), 2.0, 42, Roofs(product=100.0, copy=1e10))
    assert (rates["pairs_per_second"], rates["gflops_per_second"], rates["peak_share"]) == (21, 4, 0.04)
    assert rates["roof_seconds"] == 0.3  # bytes; the products alone would take 0.08


def test_spaces_share_concepts_that_a_map_recovers():
    spaces = work.planted(300, 16, 2, 0)
    ranks = pairs.rank(spaces, seed=np.arange(200), test=np.arange(200, 300), settings=("before", "after"))
    right = {setting: (table[0, 1] == 1).mean() for setting, table in ranks.items()}
    assert right["after"] > 0.3 > right["before"]
