"""Word translation: rectangular, several right answers, a few queries, against float64 in full."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxalign.reference import unit_rows
from jaxalign.retrieval import csls, vocabulary, vocabulary_one_pass
from jaxalign.types import InputError


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


@pytest.mark.parametrize("retrieval", ["csls", "nn"])
@pytest.mark.parametrize("asked", [1, 40, 300])
def test_ranks_equal_float64(retrieval, asked):
    source, target = vocabularies()
    rng = np.random.default_rng(1)
    queries = rng.permutation(400)[:asked]
    answers = np.stack([queries, rng.integers(0, 450, asked)], axis=1)
    found = vocabulary.ranks(source, target, queries, answers, retrieval=retrieval, csls_k=10)
    lowest, highest = reference(source, target, queries, answers, retrieval, 10, 1e-6)
    assert ((found.rank >= lowest) & (found.rank <= highest)).all()
    assert (lowest == highest).mean() > 0.9
    assert (np.asarray(found.rank) == 1).mean() > 0.3


@pytest.mark.parametrize("best", [True, False])
def test_ties_count_wrong_candidates_alone(best):
    """Vectors 3 and 7 are one: a tie where one of them is right, none where both are."""
    source, target = vocabularies()
    queries = np.array([3, 3, 5])
    answers = np.array([[3, 3], [3, 7], [5, 5]])
    for retrieval in ("nn", "csls"):
        found = vocabulary.ranks(source, target, queries, answers, retrieval=retrieval, best=best)
        assert found.ties.tolist() == [1, 0, 0] and found.answers.tolist() == [1, 2, 1]


def test_lazy_neighbourhoods_equal_all_of_them(monkeypatch):
    source, target = vocabularies(2)
    queries = np.arange(60)
    lazy = vocabulary.ranks(source, target, queries, queries[:, None])
    monkeypatch.setattr(vocabulary, "LAZY", 0.01)
    full = vocabulary.ranks(source, target, queries, queries[:, None])
    assert (np.asarray(lazy.rank) == np.asarray(full.rank)).all()
    assert (np.asarray(lazy.best) == np.asarray(full.best)).mean() > 0.98


def test_padding_is_no_rival():
    """Rows of zeros that fill the last tile would make a rival of nearly every column."""
    source, target = vocabularies(2)
    asked, answers = source[:60], np.arange(60)[:, None]
    penalty = jnp.zeros(len(target))
    scores = asked @ target.T
    found = vocabulary.rivals(jnp.asarray(asked), jnp.asarray(target), penalty, answers, 16)
    assert (found == (scores > scores[np.arange(60), np.arange(60)][:, None]).any(0)).all()
    few = vocabulary.rivals(
        jnp.asarray(asked[:1]), jnp.asarray(target), penalty + jnp.arange(450) / 450, answers[:1], 16
    )
    assert few.sum() < 10


def test_budget_changes_nothing():
    source, target = vocabularies(3)
    exact = np.sort(source.astype(float) @ target.astype(float).T, axis=0)[-10:].mean(0)
    for tile in (vocabulary.tile_rows(len(source), budget) for budget in (1, 1 << 20, 4 << 30)):
        assert np.abs(csls.radii(jnp.asarray(target), jnp.asarray(source), 10, tile) - exact).max() < 1e-6
    assert vocabulary.tile_rows(200_000, 1 << 30) * 200_000 * 32 <= 1 << 30


@pytest.mark.parametrize("words", [50_000, 200_000])
@pytest.mark.parametrize("budget", [128 << 20, 1 << 30])
def test_temporaries_stay_within_the_budget(words, budget):
    """Compiled for shapes alone, 300 features; the tile itself stands beside the sweep's temporaries."""
    tile = vocabulary.tile_rows(words, budget)
    shape = lambda *size: jax.ShapeDtypeStruct(size, np.float32)  # noqa: E731
    whole = lambda *size: jax.ShapeDtypeStruct(size, np.int32)  # noqa: E731
    state = vocabulary_one_pass.State(shape(words), whole(words), whole(words), shape(words), whole(words))
    sides = shape(tile, 300), shape(words, 300)
    asked = vocabulary_one_pass.Asked(sides[1], shape(2, words), whole(words, 1))
    swept = vocabulary_one_pass.step.lower(
        shape(tile, words), state, sides[0], asked, (0, tile), k=10, valid=words, best=True
    )
    counted = vocabulary._count.lower(shape(tile, 300), sides[1], shape(words), whole(tile, 1), 1, tile, True)
    used = [stage.compile().memory_analysis().temp_size_in_bytes for stage in (swept, counted)]
    assert max(used[0] + 4 * tile * words, used[1]) <= budget


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


def test_progress_is_told():
    source, target = vocabularies()
    told = []
    vocabulary.ranks(
        source, target, np.arange(300), np.arange(300)[:, None], progress=lambda *parts: told.append(parts)
    )
    assert [what for what, done, total in told if done == total] == ["neighbourhoods", "ranks"]


def test_pairs_with_one_source_word_are_several_answers():
    queries, answers = vocabulary.answer_table(np.array([1, 0, 1]), np.array([1, 0, 2]))
    assert queries.tolist() == [1, 0] and answers.tolist() == [[1, 2], [0, 0]]


def test_wrong_input_is_refused():
    source, target = vocabularies()
    for wrong in ({"queries": [9999]}, {"answers": [[9999]]}, {"retrieval": "isf"}, {"csls_k": 0}, {"answers": [3]}):
        options = {"queries": np.array([1]), "answers": np.array([[1]]), **wrong}
        with pytest.raises(InputError, match="Expected .*got"):
            vocabulary.ranks(source, target, **options)
