"""Spaces of every language, kind, pooling and layer out of the store; memory while they are made."""

import tracemalloc

import numpy as np

from jaxalign.embeddings import embed, prompts
from jaxalign.types import Concepts
from tests import tiny
from tests.embeddings.same_vectors import assert_same


def test_spaces_hold_every_language_kind_pooling_and_layer(model, tmp_path):
    concepts = tiny.concepts()
    templates = {name: prompts.load()[name] for name in ("paper", "short")}
    spaces = embed.spaces(
        model, concepts,
        embed.SpaceOptions(
            embeddings=("vanilla", "prompt"), poolings=("last", "mean"), templates=templates, layers="all"
        ), store_root=tmp_path / "store",
    )  # fmt: skip
    assert len(spaces) == 3 * 2 * (model.num_layers + 1)
    labels = {space.label for space in spaces}
    assert len(labels) == len(spaces) and {label.embedding for label in labels} == {
        "vanilla", "prompt:paper", "prompt:short"}  # fmt: skip
    for space in spaces[:: model.num_layers]:
        kind = space.label.embedding
        for language, words in concepts.words.items():
            texts = list(words)
            if kind != "vanilla":
                texts = prompts.fill(templates[kind.split(":")[1]], words, language)
            want = embed.embed(model, texts, space.label.pooling, [space.label.layer])[0]
            assert_same(space.vectors[language], want)


def test_auto_pooling_is_the_papers(model, tmp_path):
    spaces = embed.spaces(
        model, tiny.concepts(), embed.SpaceOptions(embeddings=("vanilla", "prompt")), store_root=tmp_path
    )
    assert [space.label.pooling for space in spaces] == ["last", "last"]
    assert {space.label.layer for space in spaces} == {model.num_layers}


def test_memory_grows_with_a_list_by_less_than_one_of_its_vectors(model, tmp_path):
    def spaces(count, turn=0):
        letters = np.random.default_rng(count).integers(97, 123, (2 * count, 8), np.uint8)
        words = tuple(bytes(row).decode() for row in letters)
        by_language = {"en": words[:count], "fr": words[count:]}
        concepts = Concepts(tuple(map(str, range(count))), ("other",) * count, by_language, ())
        embed.spaces(model, concepts, embed.SpaceOptions(layers="all"), store_root=tmp_path / str(turn))

    def peak(count, turn):
        tracemalloc.start()
        spaces(count, turn)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    spaces(6_000)  # imports, programs
    # The lowest of two: how far the writer lags behind on a busy machine is part of a peak.
    small, large = (min(peak(count, turn) for turn in range(2)) for count in (8_000, 16_000))
    vector = 4 * model.width * (model.num_layers + 1)
    a_text = (large - small) / (2 * 8_000)
    assert vector == 512 and 0 < a_text < 260  # the words (57 bytes), their tokens, their place in the plan
