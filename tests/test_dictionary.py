"""Word translation: rectangular, several right answers, a few queries, against float64 in full."""

import numpy as np
import pytest

from jaxalign import dictionary
from jaxalign.types import InputError
from tests.reference import unit_rows


def vocabularies(seed=0, sources=700, targets=450, features=24):
    rng = np.random.default_rng(seed)
    source = rng.standard_normal((sources, features)) + 0.3  # a common direction makes hubs
    target = np.concatenate([source[: targets - 50], rng.standard_normal((50, features))])
    target = target + 0.8 * rng.standard_normal(target.shape)
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
    found = dictionary.ranks(source, target, queries, answers, retrieval=retrieval, csls_k=10)
    lowest, highest = reference(source, target, queries, answers, retrieval, 10, 1e-6)
    assert ((found.rank >= lowest) & (found.rank <= highest)).all()
    assert (lowest == highest).mean() > 0.9
    assert (np.asarray(found.rank) == 1).mean() > 0.3


def test_lazy_neighbourhoods_equal_all_of_them(monkeypatch):
    source, target = vocabularies(2)
    queries = np.arange(60)
    lazy = dictionary.ranks(source, target, queries, queries[:, None])
    monkeypatch.setattr(dictionary, "LAZY", 0.01)
    full = dictionary.ranks(source, target, queries, queries[:, None])
    assert (np.asarray(lazy.rank) == np.asarray(full.rank)).all()
    assert (np.asarray(lazy.best) == np.asarray(full.best)).mean() > 0.98


def test_budget_changes_nothing(monkeypatch):
    monkeypatch.setattr(dictionary, "STEP", 128)
    source, target = vocabularies(3)
    whole = dictionary.radii(source, target, 10, 4 << 30)
    parts = dictionary.radii(source, target, 10, 1)
    assert np.allclose(whole, parts, atol=1e-6)
    exact = np.sort(source.astype(float) @ target.astype(float).T, axis=0)[-10:].mean(0)
    assert np.abs(whole - exact).max() < 1e-6


def test_dictionary_files_give_several_answers(tmp_path):
    path = tmp_path / "en-fr.dict"
    path.write_text("dog chien\ncat chat\ndog toutou\nbird oiseau\n", "utf-8")
    first, second, missing = dictionary.read_pairs(path, ["cat", "dog"], ["chat", "chien", "toutou"])
    assert missing == 1
    queries, answers = dictionary.answer_table(first, second)
    assert queries.tolist() == [1, 0] and answers.tolist() == [[1, 2], [0, 0]]
    path.write_text("dog\n", "utf-8")
    with pytest.raises(InputError, match="line 1"):
        dictionary.read_pairs(path, ["dog"], ["chien"])


def test_wrong_input_is_refused():
    source, target = vocabularies()
    for wrong in ({"queries": [9999]}, {"answers": [[9999]]}, {"retrieval": "isf"}, {"csls_k": 0}, {"answers": [3]}):
        options = {"queries": np.array([1]), "answers": np.array([[1]]), **wrong}
        with pytest.raises(InputError, match="Expected .*got"):
            dictionary.ranks(source, target, **options)
