"""Texts as tokens, exactly as the tokenizer's own call gives them, all up front."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int32, Int64

from jaxalign.types import InputError


class Tokens(NamedTuple):
    """Tokens of texts, one text after another; special tokens of the tokenizer are outside `inner_from:inner_to`."""

    ids: Int32[np.ndarray, " token"]
    offsets: Int64[np.ndarray, " text+1"]
    inner_from: Int32[np.ndarray, " text"]  # position of the first token that is not special
    inner_to: Int32[np.ndarray, " text"]
    unknown: int = 0  # number of texts that are nothing but the unknown token


def tokenize(
    tokenizer: Any, texts: Sequence[str], *, max_length: int | None = None, add_special_tokens: bool = True,
    block: int = 2048,
) -> Tokens:  # fmt: skip
    """Tokens of `texts`, exactly as `tokenizer(text)` gives them; InputError for empty and too long texts."""
    for i, text in enumerate(texts):
        if not isinstance(text, str) or not text.strip():
            raise InputError(f"Expected a text that is not empty, got {text!r} at index {i}. Correct --concepts.")
        _refuse_surrogates(text, i)
    ends = _special_ends(tokenizer) if add_special_tokens else (0, 0)
    parts = []  # arrays, block by block: lists of Python integers would take ten times the memory
    for i in range(0, len(texts), block):
        rows = tokenizer(
            list(texts[i : i + block]), add_special_tokens=add_special_tokens, padding=False, truncation=False,
            return_attention_mask=False, return_token_type_ids=False, verbose=False,
        )["input_ids"]  # fmt: skip
        part = _flatten(rows, texts[i : i + block], i)
        _refuse_long(part, texts, i, max_length)
        parts.append(_inner(part, ends, tokenizer))
    return _concatenated(parts)


def _refuse_surrogates(text: str, index: int) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        half = f"{text[:40]!a} at index {index}, with half of a character ({text[error.start]!a})"
        raise InputError(f"Expected a text of whole Unicode characters, got {half}. Correct --concepts.") from error


def _refuse_long(part: Tokens, texts: Sequence[str], first: int, max_length: int | None) -> None:
    lengths = np.diff(part.offsets)
    if max_length is not None and (lengths > max_length).any():
        i = int(np.argmax(lengths > max_length))
        raise InputError(
            f"Expected texts of at most {max_length} tokens, got {lengths[i]} at index {first + i} "
            f"({texts[first + i][:40]!r}...). Shorten the text in --concepts or its template (--templates)."
        )


def _inner(part: Tokens, ends: tuple[int, int], tokenizer: Any) -> Tokens:
    """The part with its special tokens, `ends` of them before and after each text, outside `inner_from:inner_to`."""
    lengths = np.diff(part.offsets)
    # A text of nothing but special tokens keeps them, because there is no mean over no token.
    only_special = lengths <= sum(ends)
    inner_from = np.where(only_special, 0, ends[0]).astype(np.int32)
    inner_to = np.where(only_special, lengths, lengths - ends[1]).astype(np.int32)
    unknown = _count_unknown(part.ids, part.offsets, inner_from, inner_to, tokenizer)
    return Tokens(part.ids, part.offsets, inner_from, inner_to, unknown)


def from_rows(rows: Sequence[Sequence[int]]) -> Tokens:
    """Tokens of rows of token ids, none of them special."""
    return _flatten(rows, rows, 0)


def _concatenated(parts: Sequence[Tokens]) -> Tokens:
    if not parts:
        return _flatten([], [], 0)
    ids, offsets, inner_from, inner_to, unknown = zip(*parts, strict=True)
    lengths = np.concatenate([np.diff(part) for part in offsets])
    ends = np.concatenate([[0], np.cumsum(lengths)])
    return Tokens(np.concatenate(ids), ends, np.concatenate(inner_from), np.concatenate(inner_to), sum(unknown))


def _flatten(rows: Sequence[Sequence[int]], texts: Sequence[Any], first: int) -> Tokens:
    lengths = np.fromiter(map(len, rows), np.int64, len(rows))
    if (lengths == 0).any():
        i = int(np.argmin(lengths))
        raise InputError(
            f"Expected one token or more per text, got none for {texts[i]!r} at index {first + i}. Correct --concepts."
        )
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    ids = np.fromiter((token for row in rows for token in row), np.int32, int(offsets[-1]))
    return Tokens(ids, offsets, np.zeros(len(rows), np.int32), lengths.astype(np.int32))


def _special_ends(tokenizer: Any) -> tuple[int, int]:
    """Numbers of special tokens that the tokenizer puts before and after a text."""
    plain = list(tokenizer("a", add_special_tokens=False)["input_ids"])
    full = list(tokenizer("a")["input_ids"])
    for head in range(len(full) - len(plain) + 1):
        if full[head : head + len(plain)] == plain:
            return head, len(full) - len(plain) - head
    return 0, 0


def _count_unknown(ids: Any, offsets: Any, inner_from: Any, inner_to: Any, tokenizer: Any) -> int:
    unknown = getattr(tokenizer, "unk_token_id", None)
    if unknown is None or not len(inner_to):
        return 0
    # A word-start mark may be a token of its own before <unk>, as in SentencePiece models.
    marks = [i for i in (tokenizer.convert_tokens_to_ids(mark) for mark in ("▁", "Ġ")) if i is not None]
    total = np.concatenate([[0], np.cumsum(np.isin(ids, [unknown, *marks]))])
    certain = np.concatenate([[0], np.cumsum(ids == unknown)])
    begin, end = offsets[:-1] + inner_from, offsets[:-1] + inner_to
    return int(((total[end] - total[begin] == end - begin) & (certain[end] > certain[begin])).sum())


def checked(model: Any, part: Tokens) -> Tokens:
    """The tokens, if the model can take them; InputError for texts that are too long and ids without an embedding."""
    longest = int(np.diff(part.offsets).max(initial=0))
    if model.max_length and longest > model.max_length:
        raise InputError(f"Expected at most {model.max_length} tokens per text, got {longest}. Shorten --concepts.")
    if len(part.ids) and (part.ids.min() < 0 or part.ids.max() >= model.config.vocab):
        wrong = part.ids.max() if part.ids.min() >= 0 else part.ids.min()
        raise InputError(f"Expected token ids of 0 to {model.config.vocab - 1}, got {wrong}. Change --models.")
    return part
