"""The mean of the k highest similarities against NumPy's sort: few and many columns, padding, equal values."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxalign.retrieval import csls
from jaxalign.types import InputError


def sorted_mean(similarity, k):
    return np.sort(np.asarray(similarity, np.float64), axis=1)[:, -k:].mean(1)


@pytest.mark.parametrize("columns", [20, 512, 1000])
@pytest.mark.parametrize("k", [1, 10, 20])
def test_the_mean_of_the_k_highest_is_that_of_a_sort(columns, k):
    similarity = np.random.default_rng(columns + k).standard_normal((7, columns)).astype(np.float32)
    similarity[0] = 0.25  # all equal
    similarity[1, :5] = similarity[1].max() + 1  # equal best ones
    np.testing.assert_allclose(csls.mean_of_best(jnp.asarray(similarity), k), sorted_mean(similarity, k), atol=1e-6)


def test_columns_from_valid_on_do_not_count():
    similarity = np.random.default_rng(0).standard_normal((5, 512)).astype(np.float32)
    similarity[:, 500:] = 9
    made = csls.mean_of_best(jnp.asarray(similarity), 10, valid=500)
    np.testing.assert_allclose(made, sorted_mean(similarity[:, :500], 10), atol=1e-6)


def test_the_radii_of_a_language_are_those_of_the_whole_similarity():
    rng = np.random.default_rng(1)
    rows, others = (rng.standard_normal((count, 12)).astype(np.float32) for count in (90, 700))
    want = sorted_mean(rows.astype(np.float64) @ others.T.astype(np.float64), 10)
    np.testing.assert_allclose(csls.radii(jnp.asarray(rows), jnp.asarray(others), 10, tile=32), want, atol=1e-4)


def test_segments_hold_every_row_once_in_order():
    rows = jnp.arange(2 * 16 * 4 + 9, dtype=jnp.float32)[:, None]
    parts = list(csls.segments(rows, tile=4))
    assert [part.start for part in parts] == [0, 64, 128] and [part.tiles for part in parts] == [16, 16, 3]
    assert np.concatenate([part.rows for part in parts])[: len(rows), 0].tolist() == list(range(len(rows)))


@pytest.mark.parametrize("k", [0, 11])
def test_a_k_without_that_many_neighbours_is_refused(k):
    with pytest.raises(InputError, match="Expected --csls_k from 1 to 10"):
        csls.check_k(k, 10)
