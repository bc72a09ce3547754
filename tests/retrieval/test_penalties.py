"""Penalties of CSLS and of the inverted softmax against their formulas in float64, from rows and from columns."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxalign.reference import unit_rows
from jaxalign.retrieval import penalties
from jaxalign.retrieval.penalties import BETA, RETRIEVALS, Tiling


def languages(rows=96, features=24):
    rng = np.random.default_rng(2)
    source = rng.standard_normal((rows, features))
    return unit_rows(source).astype(np.float32), unit_rows(source + rng.standard_normal(source.shape)).astype(
        np.float32
    )


def formula(cosine, retrieval, k):
    """Each column as a candidate: half of r (Conneau et al. 2018), log sum / beta (Smith et al. 2017)."""
    if retrieval == "csls":
        return np.sort(cosine, axis=0)[-k:].mean(0) / 2
    return np.log(np.exp(BETA * cosine).sum(0)) / BETA if retrieval == "isf" else np.zeros(cosine.shape[1])


@pytest.mark.parametrize("retrieval", RETRIEVALS)
def test_a_rows_penalty_is_the_formula(retrieval):
    source, target = languages()
    cosine = source.astype(np.float64) @ target.T.astype(np.float64)
    made = penalties.row_penalty(jnp.asarray(cosine.T, jnp.float32), Tiling(retrieval, 10), valid=len(source))
    np.testing.assert_allclose(made, formula(cosine, retrieval, 10), atol=1e-6)


@pytest.mark.parametrize("retrieval", RETRIEVALS)
@pytest.mark.parametrize("keep, maxima", [(True, True), (False, True), (False, False)])
def test_a_columns_penalty_from_tiles_is_the_formula(retrieval, keep, maxima):
    source, target = map(jnp.asarray, languages())
    tiling = Tiling(retrieval, 10, tile=32, keep=keep, maxima=maxima)
    cosine = penalties.matmul(source, target)
    state = jnp.concatenate([penalties.column_state(tile, tiling) for tile in cosine.reshape(3, 32, 96)])
    if retrieval == "isf":
        state = state.reshape(3, 96)
    made = penalties.column_penalty(state, cosine if keep else None, source, target, tiling, valid=96)
    np.testing.assert_allclose(made, formula(np.asarray(cosine, np.float64), retrieval, 10), atol=2e-6)
