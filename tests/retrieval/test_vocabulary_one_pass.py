"""CSLS ranks from one sweep: exact where it decides, and it decides nothing by a wrong estimate."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxalign.retrieval import vocabulary, vocabulary_one_pass
from tests.retrieval.vocabularies import reference, vocabularies


@pytest.mark.parametrize("best", [True, False])
@pytest.mark.parametrize("noise", [0.1, 0.8, 3.0])
def test_one_sweep_equals_float64(monkeypatch, noise, best):
    """From spaces that are solved to such that a rank is anywhere; the sweep decides what it can, never wrongly."""
    monkeypatch.setattr(vocabulary, "LARGE", 0)
    decided = []
    whole = vocabulary_one_pass.sweep
    monkeypatch.setattr(
        vocabulary_one_pass, "sweep", lambda *args, **options: decided.append(whole(*args, **options)) or decided[0]
    )
    source, target = vocabularies(5, sources=1003, targets=721, noise=noise)
    rng = np.random.default_rng(1)
    queries = np.append(rng.permutation(671)[:500], [3, 3, 7])  # 7 is a duplicate of 3; some are asked twice
    answers = np.stack([queries, np.where(rng.random(503) < 0.5, queries, rng.integers(0, 721, 503))], axis=1)
    found = vocabulary.ranks(source, target, queries, answers, best=best, memory_budget=1)
    lowest, highest = reference(source, target, queries, answers, "csls", 10, 1e-6)
    assert ((found.rank >= lowest) & (found.rank <= highest)).all()
    share = decided[0].decided.mean()
    assert share > 0.8 if noise == 0.1 else share > 0
    if best:
        asked = jnp.asarray(source[queries])
        two = vocabulary.count(asked, jnp.asarray(target), decided[0].penalty, answers, 400, True)
        assert (found.best == two.best).mean() > 0.99 and (found.ties == two.ties).mean() > 0.99


def test_one_sweep_decides_nothing_by_a_wrong_estimate(monkeypatch):
    """However far the estimate is off, the ranks stay: the queries go to the second sweep."""
    monkeypatch.setattr(vocabulary, "LARGE", 0)
    source, target = vocabularies(6)
    queries = np.arange(300)
    right = vocabulary.ranks(source, target, queries, queries[:, None])
    wrong = lambda source, target, asked, answers, k, tile: np.array([np.full(300, -0.9), np.full(300, -0.8)])  # noqa: E731
    monkeypatch.setattr(vocabulary_one_pass, "bracket", wrong)
    found = vocabulary.ranks(source, target, queries, queries[:, None])
    assert (found.rank == right.rank).all() and (found.best == right.best).all()
