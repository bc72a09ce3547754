"""The ways in which concepts are given to a model."""

from types import SimpleNamespace

import pytest

from jaxalign.concepts import contexts
from jaxalign.embeddings import embed, kinds, prompts
from jaxalign.types import InputError
from tests import tiny


def test_chat_templates_are_left_out_where_the_tokenizer_has_none(model, tmp_path, caplog):
    caplog.set_level("INFO", logger="jaxalign")
    templates = {name: prompts.load()[name] for name in ("paper", "chat")}
    options = embed.SpaceOptions(embeddings=("prompt",), templates=templates)
    spaces = embed.spaces(model, tiny.concepts(), options, store_root=tmp_path / "store")
    assert [space.label.embedding for space in spaces] == ["prompt:paper"] and "left out chat" in caplog.text
    with pytest.raises(InputError, match="chat template"):
        only_chat = options._replace(templates={"chat": templates["chat"]})
        embed.spaces(model, tiny.concepts(), only_chat, store_root=tmp_path)


def test_poolings_of_bare_words_and_of_prompts():
    """`auto` is the model's own for a bare word and the last token of a prompt; each pooling is taken once."""
    model = SimpleNamespace(default_pooling="mean", tokenizer=None, name="x")
    templates = {name: prompts.load()[name] for name in ("paper", "short")}
    made = list(kinds.kinds(model, tiny.concepts(), ("vanilla", "prompt"), ("auto", "mean", "decoder"), templates))
    assert [(kind.name, kind.poolings) for kind in made] == [
        ("vanilla", ("mean",)), ("vanilla", ("decoder",)), ("prompt:paper", ("last", "mean")),
        ("prompt:short", ("last", "mean")), ("prompt:paper", ("decoder",)), ("prompt:short", ("decoder",)),
    ]  # fmt: skip
    assert made[0].texts == tiny.concepts().words and all(kind.add_special_tokens for kind in made)


def test_a_given_pooling_does_not_ask_for_the_models_own():
    """The own pooling of some sentence-transformers folders is refused, with the advice to give --pooling=mean."""
    model = SimpleNamespace(tokenizer=None, name="x")  # no default_pooling
    (kind,) = kinds.kinds(model, tiny.concepts(), ("vanilla",), ("mean",), None)
    assert kind.poolings == ("mean",)


def test_words_in_context_need_sentences_and_places_of_tokens(model):
    with pytest.raises(InputError, match="with sentences for --embeddings=context, got none. Give --contexts"):
        list(kinds.kinds(model, tiny.concepts(), ("context",), ("auto",), None))
    concepts = contexts.with_contexts(tiny.concepts(), "carrier")
    (kind,) = kinds.kinds(model, concepts, ("context",), ("mean", "last"), None)
    assert (kind.name, kind.poolings, len(kind.texts["ja"])) == ("context:carrier", ("concept",), 30)
    slow = SimpleNamespace(name="slow", tokenizer=object(), default_pooling="last")
    with pytest.raises(InputError, match="tokenizer.json for --pooling=concept and --contexts"):
        list(kinds.kinds(slow, concepts, ("context",), ("auto",), None))
