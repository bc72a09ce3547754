"""Spaces of every language, kind, pooling and layer out of the store; memory while they are made."""

import tracemalloc

import numpy as np
import pytest

from jaxalign import models
from jaxalign.embeddings import cached_spaces, embed, prompts
from jaxalign.types import Concepts, Contexts, Occurrence
from tests import tiny
from tests.embeddings.same_vectors import assert_same
from tests.models import parity


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


@pytest.mark.slow
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


IN_CONTEXT = {
    "en": ((Occurrence("The dog saw a dog.", 4, 7), Occurrence("dog", 0, 3)), (Occurrence("They have hope", 10, 14),)),
    "ja": ((Occurrence("犬は犬を知る", 2, 3),), (Occurrence("希望がある", 0, 2), Occurrence("まだ希望を", 2, 4),
                                           Occurrence("希", 0, 1))),
}  # fmt: skip
THAI = ((Occurrence("หมาเห็นหมานอน", 7, 10), Occurrence("แมวและหมา", 6, 9)), (Occurrence("เขามีความหวังมาก", 5, 13),))
SIZES = dict(hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4)
SMALL = {
    "LlamaConfig": SIZES | dict(num_key_value_heads=2, max_position_embeddings=512),
    "XLMRobertaConfig": SIZES | dict(max_position_embeddings=514, type_vocab_size=1),
    "MT5Config": dict(d_model=32, d_kv=8, d_ff=48, num_layers=2, num_decoder_layers=1, num_heads=4),
}


@pytest.mark.parametrize("batch_tokens", [64, 512])
def test_a_word_in_context_is_the_mean_over_its_sentences_of_the_mean_over_its_tokens(model, tmp_path, batch_tokens):
    concepts = Concepts(("dog", "hope"), ("other",) * 2, {"en": ("dog", "hope"), "ja": ("犬", "希望")}, ())
    concepts = concepts._replace(contexts=Contexts("mine", IN_CONTEXT))
    options = embed.SpaceOptions(embeddings=("vanilla", "context"), poolings=("last",), layers=(0, 2),
                                 batch_tokens=batch_tokens)  # fmt: skip
    spaces = embed.spaces(model, concepts, options, store_root=tmp_path)
    assert [space.label[1:] for space in spaces] == [
        ("vanilla", "last", 0), ("vanilla", "last", 2), ("context:mine", "concept", 0), ("context:mine", "concept", 2),
    ]  # fmt: skip
    for space in spaces[2:]:
        for language, column in IN_CONTEXT.items():
            want = [np.mean([of_word(model, each, space.label.layer) for each in own], axis=0) for own in column]
            assert_same(space.vectors[language], np.stack(want))
            assert space.vectors[language].dtype == np.float32


def of_word(model, occurrence, layer):
    """Mean of the states of one sentence over the tokens that hold a letter of its word."""
    tokens = model.tokenizer(occurrence.text, return_offsets_mapping=True)
    own = [a < occurrence.end and b > occurrence.begin and a < b for a, b in tokens["offset_mapping"]]
    return embed.hidden_states(model, [tokens["input_ids"]])[0][layer][np.array(own)].astype(np.float64).mean(axis=0)


@pytest.mark.parametrize(("name", "auto"), [
    ("LlamaConfig", "AutoModelForCausalLM"), ("XLMRobertaConfig", "AutoModel"), ("MT5Config", "AutoModelForSeq2SeqLM"),
])  # fmt: skip
def test_words_in_context_are_those_of_transformers_in_float64(tmp_path, name, auto):
    """A decoder, an encoder, and the encoder of both; scripts without blanks, words that come twice."""
    transformers, torch = pytest.importorskip("transformers"), pytest.importorskip("torch")
    theirs = parity.write(tmp_path / "model", getattr(transformers, name)(**SMALL[name], vocab_size=260), auto).double()
    theirs = theirs.get_encoder() if name == "MT5Config" else theirs
    tiny.write_tokenizer(tmp_path / "model")
    model = models.load_model(tmp_path / "model")
    column = {"en": IN_CONTEXT["en"], "ja": IN_CONTEXT["ja"], "th": THAI}
    concepts = Concepts(("dog", "hope"), ("other",) * 2, dict.fromkeys(column, ("dog", "hope")), ())
    concepts = concepts._replace(contexts=Contexts("mine", column))
    options = embed.SpaceOptions(embeddings=("context",), layers="all")
    for space in embed.spaces(model, concepts, options, store_root=tmp_path / "store"):
        for language, rows in column.items():
            want = []
            for own in rows:
                each = []
                for text, begin, end in own:
                    tokens = model.tokenizer(text, return_offsets_mapping=True)
                    word = [a < end and b > begin for a, b in tokens["offset_mapping"]]
                    with torch.no_grad():
                        ids = torch.tensor([tokens["input_ids"]])
                        states = theirs(input_ids=ids, output_hidden_states=True).hidden_states[space.label.layer][0]
                    assert states.dtype == torch.float64
                    each.append(states[torch.tensor(word)].mean(0).numpy())
                want.append(np.mean(each, axis=0))
            assert_same(space.vectors[language], np.stack(want))


def test_another_marked_word_of_the_same_sentence_is_another_vector(model, tmp_path):
    concepts = Concepts(("a", "b"), ("other",) * 2, {"en": ("dog", "cat")}, ())
    found = []
    for places in ((4, 7), (14, 17)):
        sentences = {"en": ((Occurrence("The dog saw a dog.", *places),), (Occurrence("A cat.", 2, 5),))}
        options = embed.SpaceOptions(embeddings=("context",))
        made = concepts._replace(contexts=Contexts("mine", sentences))
        found.append(embed.spaces(model, made, options, store_root=tmp_path)[0].vectors["en"])
    assert (found[0][1] == found[1][1]).all() and np.abs(found[0][0] - found[1][0]).max() > 1e-3


def test_the_mean_does_not_depend_on_the_order_of_the_sentences():
    rows = np.random.default_rng(0).standard_normal((7, 5)).astype(np.float32)
    starts = np.array([0, 4])
    turned = cached_spaces.mean_of_groups(rows[[3, 1, 2, 0, 6, 5, 4]], starts)
    np.testing.assert_array_equal(cached_spaces.mean_of_groups(rows, starts), turned)
    np.testing.assert_allclose(turned, [rows[:4].mean(0), rows[4:].mean(0)], rtol=1e-6)
