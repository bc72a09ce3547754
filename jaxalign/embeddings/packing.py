"""Tokens -> the plan of a run, whose rows are small forests: each distinct prefix is computed once.

A causal model's state at a token depends only on what stands before it, so texts that begin with the same tokens share
that beginning. The distinct token rows, sorted, are a prefix tree in depth-first order. The tree is divided into
windows; a window repeats the path of its first text, so that it can be computed on its own, and slot k is seen by an
interval of slots after it. A window is one row of `width` slots, or several (`window_rows`), where the slots of a row
also see the path to its first slot in the rows before it. Attention is then dense inside a row and that path, with a
mask made on the device from two integers per slot. Bidirectional models use the same rows without sharing: a slot is
seen by the slots of its text. `batches` makes the arrays of a batch of rows.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int8, Int32, Int64

from jaxalign.embeddings import prefix_tree, row_layout
from jaxalign.embeddings.row_layout import Rows
from jaxalign.embeddings.tokenize import Tokens
from jaxalign.types import InputError

POOLINGS = ("first", "last", "mean", "rising_mean", "falling_mean", "concept", "decoder")
# How the tokens of a vector are weighted: alike, 1 to n (Muennighoff 2022, SGPT), n to 1.
WEIGHTS = ("mean", "rising_mean", "falling_mean")
SPECIAL_TOKENS = ("auto", "include", "exclude")


class Request(NamedTuple):
    """Texts to embed with one pooling."""

    tokens: Tokens
    pooling: str  # of POOLINGS; "decoder" takes the whole text, which the decoder's first step attends to


class Forest(NamedTuple):
    """The plan of a run: distinct texts in the order of computation, divided into rows, and the vectors they give.

    A pooled vector is a weighted mean of the states at the positions `vector_from:vector_to` of one text.
    """

    ids: Int32[np.ndarray, " token"]  # those that are computed
    offsets: Int64[np.ndarray, " text+1"]  # of each distinct text's own tokens; those before them are of earlier texts
    lengths: Int32[np.ndarray, " text"]  # of the whole text
    window_texts: Int64[np.ndarray, " window+1"]  # first text of each window
    vector_text: Int64[np.ndarray, " vector"]  # sorted
    vector_from: Int32[np.ndarray, " vector"]
    vector_to: Int32[np.ndarray, " vector"]
    vector_weights: Int8[np.ndarray, " vector"]  # of WEIGHTS, by its place there
    row_vectors: Int64[np.ndarray, " row+1"]  # first vector of each row
    where: tuple[Int64[np.ndarray, " text"], ...]  # for each request, the vector of each of its texts
    width: int  # slots per row
    window_rows: int  # rows of a window
    earlier: int  # slots of other rows of its window that a row sees, at most
    most_vectors: int  # vectors of a row, at most
    causal: bool
    given: int  # tokens of all requests' texts, before anything is shared

    @property
    def rows(self) -> int:
        """Number of rows."""
        return (len(self.window_texts) - 1) * self.window_rows

    @property
    def computed(self) -> int:
        """Number of slots in use: distinct prefixes, and those that a row repeats."""
        return len(self.ids)


class _Vectors(NamedTuple):
    """The distinct pooled vectors, sorted by text, and for each request the vector of each of its texts."""

    text: np.ndarray
    start: np.ndarray
    end: np.ndarray
    weights: np.ndarray
    where: tuple[np.ndarray, ...]


def decoder_only(poolings: Sequence[str]) -> bool:
    """Whether the vectors are the decoder's, which cannot share a batch's output with those of other poolings."""
    if "decoder" in poolings and set(poolings) != {"decoder"}:
        raise InputError(
            f"Expected the pooling decoder without others in one forest, got {', '.join(poolings)}. "
            "Ask for it separately."
        )
    return "decoder" in poolings


def forest(
    requests: Sequence[Request], *, causal: bool, special_tokens: str = "auto", rows: Rows | None = None,
    features: int = 1024, window_slots: int = 0,
) -> Forest:  # fmt: skip
    """Plan of all requests together, each distinct prefix once per window.

    special_tokens: whether the means and `first` count the tokens that the tokenizer adds: `auto` leaves them out of a
      decoder (its first token is an attention sink with a giant norm) and keeps them in an encoder (as transformers'
      masked mean and sentence-transformers do). `last` is the last token of the text as given, except under `exclude`.
    rows: slots per row and rows per window; by default those of `row_layout.best_rows` for these texts in a model of
      this many features and, where every vector is its text's last token, for windows of at most `window_slots`.
    """
    for request in requests:
        if request.pooling not in POOLINGS:
            raise InputError(f"Expected a pooling of {', '.join(POOLINGS)}, got {request.pooling!r}. See --pooling.")
    if special_tokens not in SPECIAL_TOKENS:
        raise InputError(f"Expected --special_tokens of {', '.join(SPECIAL_TOKENS)}, got {special_tokens!r}.")
    distinct, text_of = prefix_tree.distinct([request.tokens for request in requests])
    lengths = distinct.lengths
    shared = distinct.common if causal else np.zeros_like(lengths)
    last = causal and all(_last(request, special_tokens) for request in requests)
    rows = rows or row_layout.best_rows(lengths, shared, causal, features, window_slots if last else 0)
    longest = int(lengths.max(initial=1))
    if rows.slots < longest:
        raise InputError(f"Expected a width of at least the longest text's {longest} tokens, got {rows.slots}.")
    order, window_texts = row_layout.lay_out(lengths, shared, rows.slots, causal)
    shared = shared[order]
    shared[window_texts[:-1]] = 0
    own = prefix_tree.own_tokens(distinct, order, shared)
    del distinct  # it holds all tokens as they were given, and a list of texts may be long
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    vectors = _vectors(requests, [rank[text] for text in text_of], causal, special_tokens)
    ends = _ends(own.offsets, window_texts, rows.slots)
    count = (len(window_texts) - 1) * rows.per_window
    row_vectors = np.searchsorted((ends[vectors.text] - 1) // rows.width, np.arange(count + 1))
    return Forest(
        ids=own.ids, offsets=own.offsets, lengths=lengths[order], window_texts=window_texts, vector_text=vectors.text,
        vector_from=vectors.start, vector_to=vectors.end, vector_weights=vectors.weights,
        row_vectors=row_vectors, where=vectors.where, width=rows.width, window_rows=rows.per_window,
        earlier=_most_earlier(ends, own.offsets, lengths[order], rows, count),
        most_vectors=round_up(int(np.diff(row_vectors).max(initial=1))), causal=causal,
        given=sum(int(request.tokens.offsets[-1]) for request in requests),
    )  # fmt: skip


def _ends(offsets: np.ndarray, window_texts: np.ndarray, slots: int) -> np.ndarray:
    """The slot behind the last token of each text, counted through all windows of this many slots."""
    window = np.repeat(np.arange(len(window_texts) - 1), np.diff(window_texts))
    return offsets[1:] - offsets[window_texts[:-1]][window] + window * slots


def _most_earlier(ends: np.ndarray, offsets: np.ndarray, lengths: np.ndarray, rows: Rows, count: int) -> int:
    """Slots of other rows that one of `count` rows sees, at most, rounded up, so that templates share programs.

    A row sees the path to its first slot, as many slots as the position of the token there.
    """
    if rows.per_window == 1:
        return 0
    first = np.arange(count) * rows.width
    text = np.minimum(np.searchsorted(ends, first, side="right"), len(ends) - 1)
    position = lengths[text] - (ends[text] - first)
    in_use = (ends[text] - np.diff(offsets)[text] <= first) & (first < ends[text])
    return round_up(int(np.where(in_use, position, 0).max(initial=1)))


def round_up(count: int) -> int:
    """`count` rounded up to a multiple of an eighth of a power of two, so that templates share compiled shapes."""
    step = max(8, 1 << max(0, (count - 1).bit_length() - 3))
    return max(1, -(-count // step)) * step


def _vectors(requests: Sequence[Request], text_of: Sequence[np.ndarray], causal: bool, special_tokens: str) -> _Vectors:
    """Distinct vectors: requests that ask for the same positions of the same text share one."""
    stops = 1 + max(int(np.diff(request.tokens.offsets).max(initial=0)) for request in requests)
    parts = []
    for request, text in zip(requests, text_of, strict=True):
        start, end = _positions(request, causal, special_tokens)
        kind = WEIGHTS.index(request.pooling) if request.pooling in WEIGHTS else 0
        parts.append(((text * stops + start) * stops + end) * len(WEIGHTS) + kind)
    keys, inverse = np.unique(np.concatenate(parts), return_inverse=True)
    keys, weights = np.divmod(keys, len(WEIGHTS))
    text, rest = np.divmod(keys, stops * stops)
    where = tuple(np.split(inverse, np.cumsum([len(part) for part in parts])[:-1]))
    start, end = (rest // stops).astype(np.int32), (rest % stops).astype(np.int32)
    return _Vectors(text, start, end, weights.astype(np.int8), where)


def _last(request: Request, special_tokens: str) -> bool:
    """Whether every vector of a causal model is its text's last token."""
    start, end = _positions(request, True, special_tokens)
    return bool((end == np.diff(request.tokens.offsets)).all() and (end - start == 1).all())


def _positions(request: Request, causal: bool, special_tokens: str) -> tuple[np.ndarray, np.ndarray]:
    """First position of each text that the pooling takes, and the one behind its last."""
    tokens, pooling = request.tokens, request.pooling
    lengths = np.diff(tokens.offsets).astype(np.int32)
    if pooling == "decoder":
        return np.zeros_like(lengths), lengths
    if pooling == "concept":  # see `prompts.concept_tokens`
        return tokens.inner_from, tokens.inner_to
    inner = special_tokens == "exclude" or (special_tokens == "auto" and causal and pooling != "last")
    start, end = (tokens.inner_from, tokens.inner_to) if inner else (np.zeros_like(lengths), lengths)
    if pooling == "first":
        return start, start + 1
    return (end - 1, end) if pooling == "last" else (start, end)
