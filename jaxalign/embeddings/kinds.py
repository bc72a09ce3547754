"""The ways in which concepts are given to a model: the bare word, inside each of the prompt templates, in sentences."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from jaxalign.embeddings import prompts
from jaxalign.runtime.log import LOGGER
from jaxalign.types import Concepts, InputError

EMBEDDINGS = ("vanilla", "prompt", "context")


class Kind(NamedTuple):
    """One way to give concepts to the model, and the poolings to take of it."""

    name: str  # "vanilla", "prompt:NAME" or "context:NAME"
    texts: Mapping[str, Sequence[str]]  # by language; one of each concept, or of a context all its sentences
    add_special_tokens: bool
    poolings: tuple[str, ...]


def kinds(
    model: Any, concepts: Concepts, embeddings: Sequence[str], poolings: Sequence[str],
    templates: Mapping[str, prompts.Template] | None,
) -> Iterator[Kind]:  # fmt: skip
    """What is to be embedded, one after another; every template is tried on a word of each language first.

    templates: by name; the paper's only, when None. Those for chats are left out, with a note in the log, where the
    tokenizer has no chat template and others remain.
    """
    for embedding in embeddings:
        if embedding not in EMBEDDINGS:
            raise InputError(f"Expected --embeddings of {', '.join(EMBEDDINGS)}, got {embedding!r}.")
        if embedding == "context" and concepts.contexts is None:
            raise InputError("Expected concepts with sentences for --embeddings=context, got none. Give --contexts.")
    chosen = dict(templates) if templates is not None else {prompts.PAPER: prompts.load()[prompts.PAPER]}
    if "prompt" in embeddings:
        chosen = _usable(model, chosen)
        if "concept" in poolings:
            prompts.check_offsets(model.tokenizer)
        for template in chosen.values():
            _filled(model, template, {language: words[:1] for language, words in concepts.words.items()})
    for embedding in embeddings:
        if embedding == "context":
            yield _in_context(model, concepts)
            continue
        # The paper: last token of a prompt in every family; of a bare word, the family's own pooling.
        auto = model.default_pooling if embedding == "vanilla" and "auto" in poolings else "last"
        names = tuple(dict.fromkeys(auto if pooling == "auto" else pooling for pooling in poolings))
        # The decoder's vectors need a program of their own.
        groups = [tuple(p for p in names if p != "decoder"), tuple(p for p in names if p == "decoder")]
        for group in filter(None, groups):
            if embedding == "vanilla":
                yield Kind("vanilla", concepts.words, True, group)
                continue
            for template in chosen.values():
                texts = _filled(model, template, concepts.words)
                yield Kind(f"prompt:{template.name}", texts, not template.chat, group)


def _in_context(model: Any, concepts: Concepts) -> Kind:
    """The sentences of the concepts; whatever --pooling says, a vector is the mean over the tokens of the word."""
    assert concepts.contexts is not None
    prompts.check_offsets(model.tokenizer)
    name, sentences = concepts.contexts
    texts = {language: prompts.InContext(own) for language, own in sentences.items()}
    return Kind(f"context:{name}", texts, True, ("concept",))


def _filled(model: Any, template: prompts.Template, words: Mapping[str, Sequence[str]]) -> dict[str, prompts.Filled]:
    tokenizer = model.tokenizer if template.chat else None
    return {language: prompts.fill(template, column, language, tokenizer) for language, column in words.items()}


def _usable(model: Any, templates: dict[str, prompts.Template]) -> dict[str, prompts.Template]:
    """The templates without those for chats where the tokenizer has no chat template, unless nothing would remain."""
    plain = {name: template for name, template in templates.items() if not template.chat}
    if plain and len(plain) < len(templates) and getattr(model.tokenizer, "chat_template", None) is None:
        left_out = ", ".join(name for name in templates if name not in plain)
        LOGGER.info("embed: %s has no chat template: left out %s", model.name, left_out)
        return plain
    return templates
