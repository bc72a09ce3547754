"""Word translation: rectangular, several right answers, a few queries, against float64 in full."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxalign.retrieval import csls, vocabulary, vocabulary_one_pass
from jaxalign.types import InputError
from tests.retrieval.vocabularies import reference, vocabularies


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
        shape(tile, words), state, sides[0], asked, vocabulary_one_pass.Place(0, tile), k=10, valid=words, best=True
    )
    counted = vocabulary._count.lower(shape(tile, 300), sides[1], shape(words), whole(tile, 1), 1, tile, True)
    used = [stage.compile().memory_analysis().temp_size_in_bytes for stage in (swept, counted)]
    assert max(used[0] + 4 * tile * words, used[1]) <= budget


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
