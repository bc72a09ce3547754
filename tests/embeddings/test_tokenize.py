"""Tokens must be the tokenizer's own; special ends, unknown texts and limits are told."""

import numpy as np
import pytest

from jaxalign.embeddings import tokenize
from jaxalign.types import InputError
from tests import tiny

TEXTS = ["dog", "house cat", "naïve", "犬", "หมา", "txakur", "  spaced  out ", "2nd", 'Summarize concept "dog" in']


def rows_of(part):
    return [part.ids[a:b].tolist() for a, b in zip(part.offsets, part.offsets[1:], strict=False)]


@pytest.mark.parametrize("name, ends", [("mbert-cased", (1, 1)), ("t5-small", (0, 1)), ("whisper", None)])
@pytest.mark.parametrize("block", [2, 8192])
def test_as_the_default_call_gives_them(shared, name, ends, block):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(shared / "tokenizers" / name)
    part = tokenize.tokenize(tokenizer, TEXTS, block=block)
    assert rows_of(part) == [tokenizer(text)["input_ids"] for text in TEXTS]
    for i, text in enumerate(TEXTS):
        row = rows_of(part)[i]
        plain = tokenizer(text, add_special_tokens=False)["input_ids"]
        assert row[part.inner_from[i] : part.inner_to[i]] == plain
        if ends:
            assert (part.inner_from[i], len(row) - part.inner_to[i]) == ends
    bare = tokenize.tokenize(tokenizer, TEXTS, add_special_tokens=False)
    assert rows_of(bare) == [tokenizer(text, add_special_tokens=False)["input_ids"] for text in TEXTS]


def test_texts_of_unknown_tokens_alone_are_counted(shared):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(shared / "tokenizers" / "t5-small")
    assert tokenize.tokenize(tokenizer, ["dog", "犬", "หมา", "犬 dog"]).unknown == 2
    assert tokenize.tokenize(tokenizer, ["dog"]).unknown == 0


def test_a_tokenizer_without_pad_or_bos(tmp_path):
    from transformers import AutoTokenizer

    tiny.write_tokenizer(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert tokenizer.pad_token_id is None
    part = tokenize.tokenize(tokenizer, ["ab", "c"])
    assert np.diff(part.offsets).tolist() == [3, 2] and part.inner_from.tolist() == [1, 1]


@pytest.mark.parametrize("text", ["", "   ", "\n", None, 3])
def test_texts_without_words_are_input_errors(tmp_path, text):
    with pytest.raises(InputError, match="index 1"):
        tokenize.tokenize(None, ["dog", text])


def test_too_long_texts_are_input_errors(tmp_path):
    from transformers import AutoTokenizer

    tiny.write_tokenizer(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert len(tokenize.tokenize(tokenizer, ["x" * 9], max_length=10).ids) == 10
    with pytest.raises(InputError, match="at most 10 tokens, got 11 at index 1"):
        tokenize.tokenize(tokenizer, ["x", "x" * 10], max_length=10)


@pytest.mark.parametrize("text", ["\ud800", "a\udc00b", "dog \udfff"])
def test_half_of_a_character_is_refused(text):
    """A lone surrogate has no UTF-8: the tokenizers library raised TypeError."""
    with pytest.raises(InputError, match=r"whole Unicode characters, got .* at index 1, .*half of a character"):
        tokenize.tokenize(None, ["dog 🐕", text])
