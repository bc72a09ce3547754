"""Entries of the store: made once, served to whoever asks for some of their layers and poolings."""

import numpy as np
import pytest

from jaxalign.embeddings import embed, entries, kinds, packing, row_layout, vector_store
from jaxalign.types import InputError
from tests import tiny
from tests.embeddings.same_vectors import assert_same

CONCEPTS = tiny.concepts()


def kind_of(model, *poolings, concepts=CONCEPTS):
    (kind,) = kinds.kinds(model, concepts, ("vanilla",), poolings, None)
    return kind


def maker(model, root, special_tokens="auto"):
    return entries.EntryMaker(model, CONCEPTS, root, special_tokens, 64)


@pytest.fixture
def nothing_is_computed(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("vectors are computed")

    def switch():
        monkeypatch.setattr(entries.extract, "vectors", refuse)

    return switch


def test_an_entry_holds_the_vectors_of_every_language_and_pooling(model, tmp_path):
    entry = maker(model, tmp_path).entry(kind_of(model, "last", "mean"), (1, 3))
    assert (tuple(entry.layers), tuple(entry.poolings)) == ((1, 3), ("last", "mean"))
    index = vector_store.read_index(entry)
    layer = vector_store.read_layer(entry, 3)
    for pooling in ("last", "mean"):
        for language, words in CONCEPTS.words.items():
            expected = embed.embed(model, list(words), pooling, [3])[0]
            assert_same(layer[index[f"{pooling} {language}"]], expected)


def test_the_pooling_concept_is_the_mean_over_the_words_own_tokens_in_the_prompt(model, tmp_path):
    (kind,) = kinds.kinds(model, CONCEPTS, ("prompt",), ("concept", "mean"), None)
    entry = maker(model, tmp_path).entry(kind, (2,))
    index, layer = vector_store.read_index(entry), vector_store.read_layer(entry, 2)
    for language in ("en", "ja"):
        for number, text in enumerate(kind.texts[language][:3]):
            tokenized = model.tokenizer(text, return_offsets_mapping=True)
            start, stop = len(kind.texts[language].before), len(text) - len(kind.texts[language].after)
            own = [a < stop and b > start and a < b for a, b in tokenized["offset_mapping"]]
            states = embed.hidden_states(model, [tokenized["input_ids"]])[0][2]
            found = layer[index[f"concept {language}"][number]]
            assert_same(found[None], states[np.array(own)].mean(0)[None])


def test_a_finished_entry_serves_its_parts(model, tmp_path, nothing_is_computed):
    made = maker(model, tmp_path).entry(kind_of(model, "last", "mean"), (1, 3))
    nothing_is_computed()
    assert maker(model, tmp_path).entry(kind_of(model, "mean"), (3,)).path == made.path
    for kind, layers, special in (
        (kind_of(model, "mean"), (2,), "auto"), (kind_of(model, "first"), (3,), "auto"),
        (kind_of(model, "mean"), (3,), "include"),
    ):  # fmt: skip
        with pytest.raises(AssertionError, match="computed"):
            maker(model, tmp_path, special).entry(kind, layers)


def test_an_interrupted_entry_is_continued_with_the_same_vectors(model, tmp_path):
    kind = kind_of(model, "last")
    made = maker(model, tmp_path).entry(kind, (3,))
    before = np.array(vector_store.read_layer(made, 3))
    (made.path / "manifest.json").unlink()
    first = sorted((made.path / "chunks").glob("*.json"))[0]
    stamp = first.stat().st_mtime_ns
    again = maker(model, tmp_path).entry(kind, (3,))
    assert again.path == made.path and first.stat().st_mtime_ns == stamp
    np.testing.assert_array_equal(vector_store.read_layer(again, 3), before)


def without(fields, name):
    return {key: value for key, value in fields.items() if key != name}


@pytest.mark.parametrize("begun, now", [((32, 1), (16, 2)), ((16, 4), (32, 1))])
def test_an_interrupted_entry_keeps_its_rows(model, tmp_path, monkeypatch, begun, now):
    """Also where another machine, or a later version, would divide the work in another way."""
    kind = kind_of(model, "last")
    monkeypatch.setattr(entries, "CHUNK_BATCHES", 1)
    monkeypatch.setattr(row_layout, "best_rows", lambda *_: packing.Rows(*begun))
    if begun[1] == 1:  # as versions without windows wrote it
        with_windows = entries._division
        monkeypatch.setattr(entries, "_division", lambda *all_: without(with_windows(*all_), "window_rows"))
    made = maker(model, tmp_path).entry(kind, (1, 3))
    before = np.array(vector_store.read_layer(made, 3))
    (made.path / "manifest.json").unlink()
    first, *_, last = sorted((made.path / "chunks").glob("*.json"))
    last.unlink()
    stamp, plan = first.stat().st_mtime_ns, vector_store.read_plan(made.path)
    assert (plan["width"], plan.get("window_rows", 1)) == begun
    monkeypatch.setattr(row_layout, "best_rows", lambda *_: packing.Rows(*now))
    again = maker(model, tmp_path).entry(kind, (1, 3))
    assert again.path == made.path and first.stat().st_mtime_ns == stamp and last.exists()
    np.testing.assert_array_equal(vector_store.read_layer(again, 3), before)


def test_a_text_that_is_too_long_is_named_with_its_language(model, tmp_path):
    concepts = CONCEPTS._replace(words={"fr": ("chien" * 400, *CONCEPTS.words["fr"][1:])})
    with pytest.raises(InputError, match=r"at most 512.*language fr, vanilla"):
        maker(model, tmp_path).entry(kind_of(model, "last", concepts=concepts), (3,))
