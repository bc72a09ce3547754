"""Vectors must not depend on batches, widths, devices, sharing or interruptions."""

import numpy as np
import pytest

from jaxalign import models
from jaxalign.embeddings import batches, embed, packing, prompts, tokenize
from jaxalign.types import InputError
from tests import tiny
from tests.embeddings.same_vectors import assert_same


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


@pytest.mark.parametrize("pooling", ["first", "last", "mean", "rising_mean", "falling_mean"])
def test_embed_pools_the_hidden_states(model, pooling):
    texts = list(tiny.WORDS["en"]) + list(tiny.WORDS["ja"])
    found = embed.embed(model, texts, pooling=pooling, layers="all")
    assert found.shape == (model.num_layers + 1, len(texts), model.width) and found.dtype == np.float32
    for i, text in enumerate(texts):
        states = alone(model, text)  # token 0 is <s>, which a decoder's mean and first leave out
        inner = states[:, 1:].astype(np.float64)
        rising = np.arange(1, inner.shape[1] + 1)[:, None] / np.arange(1, inner.shape[1] + 1).sum()
        want = {
            "first": states[:, 1],
            "last": states[:, -1],
            "mean": inner.mean(1),
            "rising_mean": (inner * rising).sum(1),
            "falling_mean": (inner * rising[::-1]).sum(1),
        }[pooling]
        assert_same(found[:, i], want)


def test_chosen_layers_are_rows_of_all_layers(model):
    texts = ["dog", "dogma", "house"]
    whole = embed.embed(model, texts, "last", "all")
    assert_same(embed.embed(model, texts, "last", "last"), whole[-1:])
    assert_same(embed.embed(model, texts, "last", [2, 0]), whole[[2, 0]])
    assert embed.embed(model, [], "last", "all").shape == (model.num_layers + 1, 0, model.width)


def test_requests_in_one_forest_equal_requests_alone(model):
    words = tokenize.tokenize(model.tokenizer, tiny.WORDS["en"])
    template = prompts.load()["paper"]
    framed = tokenize.tokenize(model.tokenizer, prompts.fill(template, tiny.WORDS["fr"], "fr"))
    poolings = ((words, "mean"), (framed, "last"), (words, "rising_mean"), (words, "falling_mean"))
    requests = [packing.Request(*one) for one in poolings]
    for one, request in zip(embed.run(model, requests, "last"), requests, strict=True):
        assert_same(one, embed.run(model, [request], "last")[0])


@pytest.mark.slow
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


def test_one_string_is_no_list_of_texts(model):
    """A string is a sequence of letters: each letter would have been embedded."""
    with pytest.raises(InputError, match=r"list of texts, got one string, 'dog'. Write \[text\]"):
        embed.embed(model, "dog")
    with pytest.raises(InputError, match="not empty, got '' at index 1"):
        embed.embed(model, ["dog", ""])
