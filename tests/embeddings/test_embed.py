"""Vectors must not depend on batches, widths, devices, sharing or interruptions."""

import tracemalloc

import numpy as np
import pytest

from jaxalign import models
from jaxalign.embeddings import batches, embed, extract, packing, prompts, tokenize
from jaxalign.types import Concepts, InputError
from tests import tiny


def assert_same(found, want, bound=2e-6):
    """No vector is further off than `bound` of its layer's mean length (float32 rounds by 6e-8 an operation)."""
    found, want = np.asarray(found, np.float64), np.asarray(want, np.float64)
    assert found.shape == want.shape
    length = np.linalg.norm(want, axis=-1).mean(axis=-1, keepdims=True)
    assert (np.linalg.norm(found - want, axis=-1) / length).max() <= bound


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return models.load_model(tiny.write_model(tmp_path_factory.mktemp("tiny")), weights="random", seed=3)


def alone(model, text):
    """(layer, token, feature) of a text computed by itself."""
    return embed.hidden_states(model, [model.tokenizer(text)["input_ids"]])[0]


def test_hidden_states_of_one_text_do_not_depend_on_the_others(model):
    rows = [[0, 5, 6, 7], [0, 5], [0, 5, 6, 9, 9, 9], [8], [0, 5, 6, 7]]
    together = embed.hidden_states(model, rows)
    for row, states in zip(rows, together, strict=True):
        assert states.shape == (model.num_layers + 1, len(row), model.width)
        assert_same(states, embed.hidden_states(model, [row])[0])
    assert embed.hidden_states(model, []) == []


@pytest.mark.parametrize("pooling", ["first", "last", "mean"])
def test_embed_pools_the_hidden_states(model, pooling):
    texts = list(tiny.WORDS["en"]) + list(tiny.WORDS["ja"])
    found = embed.embed(model, texts, pooling=pooling, layers="all")
    assert found.shape == (model.num_layers + 1, len(texts), model.width) and found.dtype == np.float32
    for i, text in enumerate(texts):
        states = alone(model, text)  # token 0 is <s>, which a decoder's mean and first leave out
        want = {"first": states[:, 1], "last": states[:, -1], "mean": states[:, 1:].mean(1)}[pooling]
        assert_same(found[:, i], want)


def test_chosen_layers_are_rows_of_all_layers(model):
    texts = ["dog", "dogma", "house"]
    whole = embed.embed(model, texts, "last", "all")
    assert_same(embed.embed(model, texts, "last", "last"), whole[-1:])
    assert_same(embed.embed(model, texts, "last", [2, 0]), whole[[2, 0]])
    assert embed.embed(model, [], "last", "all").shape == (model.num_layers + 1, 0, model.width)


@pytest.mark.parametrize("width, batch_tokens", [(32, 32), (64, 128), (128, 4096)])
def test_same_vectors_whatever_the_width_and_batch(model, width, batch_tokens):
    texts = [word for column in tiny.concepts(4).words.values() for word in column]
    part = tokenize.tokenize(model.tokenizer, texts)
    requests = [packing.Request(part, pooling) for pooling in ("last", "mean")]
    want = embed.run(model, requests, "all")
    plan = packing.forest(requests, causal=model.causal, width=width, features=model.width)
    engine = extract.engine(model)
    shape = extract.shape_for(engine, plan, extract.parse_layers(model, "all"), batch_tokens)
    vectors = extract.all_vectors(engine, plan, shape)
    for rows, other in zip(plan.where, want, strict=True):
        assert_same(vectors[:, rows], other)


def test_requests_in_one_forest_equal_requests_alone(model):
    words = tokenize.tokenize(model.tokenizer, tiny.WORDS["en"])
    template = prompts.load()["paper"]
    framed = tokenize.tokenize(model.tokenizer, prompts.fill(template, tiny.WORDS["fr"], "fr"))
    requests = [packing.Request(words, "mean"), packing.Request(framed, "last")]
    for one, request in zip(embed.run(model, requests, "last"), requests, strict=True):
        assert_same(one, embed.run(model, [request], "last")[0])


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


def test_templates_share_compiled_programs(model, tmp_path):
    templates = {name: prompts.load()[name] for name in ("paper", "unquoted", "english", "neutral")}
    before = extract.compiled.cache_info().misses
    options = embed.SpaceOptions(embeddings=("prompt",), templates=templates, batch_tokens=512)
    embed.spaces(model, tiny.concepts(9), options, store_root=tmp_path)
    assert 0 < extract.compiled.cache_info().misses - before < len(templates)


def test_auto_pooling_is_the_papers(model, tmp_path):
    spaces = embed.spaces(
        model, tiny.concepts(), embed.SpaceOptions(embeddings=("vanilla", "prompt")), store_root=tmp_path
    )
    assert [space.label.pooling for space in spaces] == ["last", "last"]
    assert {space.label.layer for space in spaces} == {model.num_layers}


def test_the_decoders_first_step_is_a_pooling_of_its_own(tmp_path):
    folder = tiny.write_model(tmp_path / "mt5", tiny.MT5)
    model = models.load_model(folder, weights="random", seed=3, decoder=True)
    texts = list(tiny.WORDS["en"])
    part = tokenize.tokenize(model.tokenizer, texts)
    found = embed.embed(model, texts, "decoder", "all")
    assert found.shape == (4, len(texts), 32)  # three layers of the decoder, not the encoder's two
    plan = packing.forest([packing.Request(part, "decoder")], causal=False)
    whole = models.decoded(model.config, model.params, batches.batch(plan, 0, plan.rows), layers=(0, 1, 2, 3))
    want = np.asarray(whole)[:, batches.used_vectors(plan, 0, plan.rows)][:, plan.where[0]]
    assert_same(found, want)
    spaces = embed.spaces(
        model, tiny.concepts(), embed.SpaceOptions(poolings=("auto", "decoder")), store_root=tmp_path / "store"
    )
    assert [(space.label.pooling, space.label.layer) for space in spaces] == [("mean", 2), ("decoder", 3)]
    assert_same(spaces[1].vectors["en"], found[3])
    with pytest.raises(InputError, match="--pooling"):
        embed.embed(models.load_model(folder, weights="random"), texts, "decoder")


def test_chat_templates_are_left_out_where_the_tokenizer_has_none(model, tmp_path, caplog):
    caplog.set_level("INFO", logger="jaxalign")
    templates = {name: prompts.load()[name] for name in ("paper", "chat")}
    options = embed.SpaceOptions(embeddings=("prompt",), templates=templates)
    spaces = embed.spaces(model, tiny.concepts(), options, store_root=tmp_path / "store")
    assert [space.label.embedding for space in spaces] == ["prompt:paper"] and "left out chat" in caplog.text
    with pytest.raises(InputError, match="chat template"):
        only_chat = options._replace(templates={"chat": templates["chat"]})
        embed.spaces(model, tiny.concepts(), only_chat, store_root=tmp_path)


def test_wrong_input_is_named(model, tmp_path):
    with pytest.raises(InputError, match="--layers"):
        embed.embed(model, ["dog"], "last", [9])
    with pytest.raises(InputError, match="--pooling"):
        embed.embed(model, ["dog"], "middle")
    with pytest.raises(InputError, match="not empty"):
        embed.embed(model, ["dog", " "], "last")
    with pytest.raises(InputError, match="at most 512"):
        embed.embed(model, ["dog" * 400], "last")
    with pytest.raises(InputError, match="token ids"):
        embed.hidden_states(model, [[260]])
    with pytest.raises(InputError, match="--embeddings"):
        embed.spaces(model, tiny.concepts(), embed.SpaceOptions(embeddings=("plain",)), store_root=tmp_path)


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
