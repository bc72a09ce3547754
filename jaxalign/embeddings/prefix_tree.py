"""Token rows -> their prefix tree: distinct rows in lexicographic order, and how far each follows the one before.

Rows are processed column by column, so that temporary memory is a few numbers per row, whatever its length.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int32, Int64

from jaxalign.embeddings.tokenize import Tokens


class Rows(NamedTuple):
    """Distinct token rows in lexicographic order, a prefix first; they stay where they stand in `ids`."""

    ids: Int32[np.ndarray, " token"]
    begin: Int64[np.ndarray, " row"]
    lengths: Int32[np.ndarray, " row"]
    common: Int32[np.ndarray, " row"]  # leading tokens that are those of the row before


class Distinct(NamedTuple):
    """Distinct rows of several parts, and for each part the row of each of its texts."""

    rows: Rows
    row_of: list[Int64[np.ndarray, " text"]]


class OwnTokens(NamedTuple):
    """Tokens of rows without those they share with the row before, one row after another."""

    ids: Int32[np.ndarray, " token"]
    offsets: Int64[np.ndarray, " row+1"]


def distinct(parts: Sequence[Tokens]) -> Distinct:
    """Distinct rows of all parts, and the row of each text of each part."""
    unique = list({id(part): part for part in parts}.values())  # several poolings share their tokens
    texts = [len(part.offsets) - 1 for part in unique]
    starts = {id(part): int(start) for part, start in zip(unique, np.cumsum([0, *texts]), strict=False)}
    ids = np.concatenate([part.ids for part in unique])
    lengths = np.concatenate([np.diff(part.offsets) for part in unique]).astype(np.int32)
    begin = np.cumsum(lengths, dtype=np.int64) - lengths
    order = _sorted(ids, begin, lengths)
    begin, lengths = begin[order], lengths[order]
    common = _common(ids, begin, lengths)
    new = np.ones(len(order), bool)
    new[1:] = (lengths[1:] != lengths[:-1]) | (common[1:] < lengths[1:])
    number = np.empty(len(order), np.int64)
    number[order] = np.cumsum(new) - 1
    text_of = [number[starts[id(part)] :][: len(part.offsets) - 1] for part in parts]
    return Distinct(Rows(ids, begin[new], lengths[new], common[new]), text_of)


def _sorted(ids: np.ndarray, begin: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Lexicographic order of the rows: a stable sort by each column, the last first, of the rows that reach it."""
    by_length = np.argsort(lengths, kind="stable")
    starts = np.searchsorted(lengths[by_length], np.arange(int(lengths.max(initial=0)) + 2))
    order = by_length[:0]
    for at in range(len(starts) - 3, -1, -1):
        # A row that ends before this column's next one stands before those that go on.
        order = np.concatenate([by_length[starts[at + 1] : starts[at + 2]], order])
        order = order[np.argsort(ids[begin[order] + at], kind="stable")]
    return np.concatenate([by_length[: starts[1]], order])


def _common(ids: np.ndarray, begin: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Length of the prefix that each row has in common with the row before it."""
    common = np.zeros(len(lengths), np.int32)
    rows = np.arange(1, len(lengths))
    for at in range(int(lengths.max(initial=0))):
        rows = rows[np.minimum(lengths[rows], lengths[rows - 1]) > at]
        rows = rows[ids[begin[rows] + at] == ids[begin[rows - 1] + at]]
        common[rows] = at + 1
    return common


def own_tokens(rows: Rows, order: np.ndarray, shared: np.ndarray) -> OwnTokens:
    """Tokens of the rows in this order, each without its first `shared` ones."""
    begin, lengths = rows.begin[order] + shared, rows.lengths[order] - shared
    offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    ids, reaching = np.empty(offsets[-1], np.int32), np.arange(len(order))
    for at in range(int(lengths.max(initial=0))):
        reaching = reaching[lengths[reaching] > at]
        ids[offsets[reaching] + at] = rows.ids[begin[reaching] + at]
    return OwnTokens(ids, offsets)
