"""Whether every model of a run can take the texts of its concepts, and knows words of every language.

This is checked before the first model is loaded. Of the texts only those are split into tokens whose bytes might exceed
the model's length: a tokenizer gives at most one token per byte of a normalised text, and a few special ones.
"""

import unicodedata
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from jaxalign.config import Config
from jaxalign.embeddings import kinds, tokenize
from jaxalign.experiment import model_checks
from jaxalign.models.checkpoint.load import find_origin
from jaxalign.models.checkpoint.tokenizer import kept_tokenizer
from jaxalign.models.families.registry import read_config
from jaxalign.types import Concepts, InputError

_SAMPLE = 64  # words of a language that are tried first; all are tried only where none of these is known
_SPECIAL = 16  # tokens that a tokenizer may add to a text


def check(config: Config, concepts: Concepts) -> None:
    """Raises InputError for a text too long for one of the models, or a template that one of them cannot fill.

    Also for a language of which one model knows no word: every word would be its unknown token, and so one vector.
    """
    if config.spaces:
        return
    templates = model_checks.templates_of(config) if "prompt" in config.embeddings else None
    for name in config.models:
        with model_checks.name_model_in_errors(name):
            origin = find_origin(name, config.revision or None)
            architecture = read_config(origin.raw, config.dtype, decoder="decoder" in config.pooling)
            pooling = ""
            if "auto" in config.pooling:
                pooling = origin.sentence.pooling_of(name, architecture.default_pooling)
            model = SimpleNamespace(
                name=name,
                tokenizer=kept_tokenizer(origin.tokenizer),
                default_pooling=pooling,
            )
            for language, words in concepts.words.items():
                _check_known(model, language, words)
            for kind in kinds.kinds(model, concepts, config.embeddings, config.pooling, templates):
                for language, texts in kind.texts.items():
                    special = kind.add_special_tokens
                    _check_lengths(model, f"{language}, {kind.name}", texts, architecture.max_length, special)


def _check_known(model: Any, language: str, words: Sequence[str]) -> None:
    if getattr(model.tokenizer, "unk_token_id", None) is None:
        return
    few = words[:_SAMPLE]
    if tokenize.tokenize(model.tokenizer, few).unknown == len(few) and (
        len(few) == len(words) or tokenize.tokenize(model.tokenizer, words).unknown == len(words)
    ):
        raise InputError(
            f"Expected words that the tokenizer of {model.name} knows, got nothing but its unknown token for all "
            f"{len(words):,} in {language}. Leave {language} out of --languages, or choose another model with --models."
        )


def _check_lengths(model: Any, where: str, texts: Sequence[str], max_length: int, special: bool) -> None:
    for index in range(len(texts)):
        text = texts[index]
        if len(unicodedata.normalize("NFKD", text).encode("utf-8", "replace")) + _SPECIAL <= max_length:
            continue
        try:
            tokenize.tokenize(model.tokenizer, [text], max_length=max_length, add_special_tokens=special)
        except InputError as error:
            raise InputError(f"{error} ({model.name}: {where}, concept {index})") from None
