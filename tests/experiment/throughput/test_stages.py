"""The steps of a pair give together what the engine's own program gives, and what NumPy gives in float64."""

import jax.numpy as jnp
import numpy as np

from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.experiment.throughput import stages
from jaxalign.experiment.throughput.work import planted
from jaxalign.retrieval.penalties import Tiling


def unit_pair(rows, features):
    spaces = planted(rows, features, 2, 0).values()
    return [space / np.linalg.norm(space, axis=1, keepdims=True) for space in spaces]


def test_the_steps_give_the_ranks_of_float64():
    source, target = unit_pair(96, 12)
    tiling = Tiling(k=5, tile=48)
    kept = stages.similarity(jnp.asarray(source), jnp.asarray(target), tiling.tile)
    exact = source.astype(float) @ target.T.astype(float)
    np.testing.assert_allclose(kept, exact, atol=1e-6)
    sides = stages.penalties(kept, tiling=tiling, valid=90)  # the last six are padding
    rows = np.sort(exact[:, :90], axis=1)[:, -5:].mean(1) / 2
    columns = np.sort(exact[:90], axis=0)[-5:].mean(0) / 2
    np.testing.assert_allclose(sides.rows, rows, atol=1e-6)
    np.testing.assert_allclose(sides.columns, columns, atol=1e-6)
    ranks = stages.counts(kept, sides, tiling.tile)
    right = np.diagonal(exact)
    forward = ((exact - columns) > (right - columns)[:, None]).sum(1) + 1
    backward = ((exact - rows[:, None]) > (right - rows)).sum(0) + 1
    np.testing.assert_array_equal(ranks, [forward, backward])
    assert 1 < forward.mean() < 90  # neither trivial nor hopeless


def test_a_similarity_beyond_the_budget_has_no_steps_of_its_own():
    whole = {stage.name for stage in stages.stages(30, 400, 8, AlignmentOptions(memory_budget=4 << 30))}
    assert whole == set(stages.ORDERED_PAIRS)
    tiled = {stage.name: stage for stage in stages.stages(30, 1200, 8, AlignmentOptions(memory_budget=1 << 20))}
    assert set(tiled) == {"fit", "pair", "vocabulary"}
    assert not tiled["pair"].facts["similarity_kept"]
    measured = stages.measured(tiled["fit"], 1)
    assert measured["calls"] == 1 and measured["seconds"] > 0
