"""Penalties of CSLS, ratio margin and inverted softmax against their float64 formulas, from rows and from columns."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxalign.reference import unit_rows
from jaxalign.retrieval import penalties
from jaxalign.retrieval.penalties import BETA, RETRIEVALS, Tiling
from jaxalign.types import InputError


def languages(rows=96, features=24):
    rng = np.random.default_rng(2)
    source = rng.standard_normal((rows, features))
    return unit_rows(source).astype(np.float32), unit_rows(source + rng.standard_normal(source.shape)).astype(
        np.float32
    )


def formula(cosine, retrieval, k):
    """Each column as a candidate: half of r (Conneau et al. 2018), log sum / beta (Smith et al. 2017)."""
    if retrieval in ("csls", "margin"):
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


def test_a_margin_is_the_ratio_and_padding_is_no_candidate():
    source, target = languages()
    cosine = source.astype(np.float64) @ target.T.astype(np.float64)
    rows, columns = formula(cosine.T, "margin", 4)[:, None], formula(cosine, "margin", 4)
    made = penalties.score(cosine, jnp.asarray(rows), jnp.asarray(columns), "margin")
    near = [np.mean([sorted(side)[-4:] for side in table], axis=1) for table in (cosine, cosine.T)]
    np.testing.assert_allclose(made, cosine / ((near[0][:, None] + near[1]) / 2), atol=1e-5)
    padded = penalties.score(jnp.array([-0.5, 0.0]), jnp.array(0.1), jnp.array([0.2, jnp.inf]), "margin")
    assert padded[1] == -jnp.inf < padded[0] < 0
    assert penalties.score(jnp.array(-0.1), jnp.array(-0.2), jnp.array(0.1), "margin") < 0  # never turned around


def test_too_few_rows_for_the_neighbours_are_refused():
    penalties.check_neighbours("margin", 10, 4)
    penalties.check_neighbours("nn", 10, 1)
    with pytest.raises(InputError, match="at least 4 rows of each language with --retrieval=margin"):
        penalties.check_neighbours("margin", 10, 3)
    with pytest.raises(InputError, match="--csls_k from 1 to 3"):
        penalties.check_neighbours("csls", 10, 3)
