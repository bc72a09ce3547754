"""How texts are divided into rows of a fixed number of slots: consecutive windows of the prefix tree, or packed rows.

Causal models share prefixes, so their texts stay in the order of the prefix tree and a row is a window of it.
Bidirectional models share nothing, so any texts may stand in one row, and lengths are combined to fill it.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int64

WIDTHS = (*range(32, 128, 4), 128, 144, 160, 192, 224, 256, 320, 384, 512)
SHARED_WIDTHS = (32, 64, 128, 192, 256, 384, 512)


class Layout(NamedTuple):
    """Order of the texts, and the first text of each row within that order."""

    order: Int64[np.ndarray, " text"]
    row_texts: Int64[np.ndarray, " row+1"]


def lay_out(lengths: np.ndarray, shared: np.ndarray, width: int, causal: bool) -> Layout:
    """Layout of texts of `lengths` tokens, of which the text before has `shared`, in rows of `width` slots."""
    return windows(lengths, shared, width) if causal else packed(lengths, width)


def best_width(lengths: np.ndarray, shared: np.ndarray, causal: bool, features: int) -> int:
    """Slots per row that cost least: few unused slots and repeated prefixes, but attention grows with the row."""
    longest = int(lengths.max(initial=1))
    # Causal: few sizes, which several templates share; a window is full whatever its width. Else the texts' common
    # lengths have to fill it: of prompts of 15 to 20 tokens five leave 1 % of 84 slots, but 4 % of 96.
    known = SHARED_WIDTHS if causal else WIDTHS
    sizes = [w for w in known if w >= longest][:16] or [-(-longest // 64) * 64]
    rows = {w: len(lay_out(lengths, shared, w, causal).row_texts) - 1 for w in sizes}
    # Attention adds width / (6 features) to the operations of a slot, in small products that are slower than others:
    # measured at 1,024 features 3.0, 3.8, 5.1 and 5.9 % of the time at widths of 64, 128, 192 and 256.
    return min(sizes, key=lambda w: rows[w] * w * (1 + w / (3 * features)))


def windows(lengths: np.ndarray, shared: np.ndarray, width: int) -> Layout:
    """Texts in the order given; a row takes as many as fit, the first of them with its whole path."""
    total = np.cumsum(lengths - shared, dtype=np.int64)
    starts = [0]
    while starts[-1] < len(lengths):
        first = starts[-1]
        end = width - lengths[first] + total[first]
        starts.append(max(first + 1, int(np.searchsorted(total, end, side="right"))))
    return Layout(np.arange(len(lengths)), np.array(starts, np.int64))


def packed(lengths: np.ndarray, width: int) -> Layout:
    """Each row takes the longest text left and those that fill the rest of the row best."""
    by_length = [np.flatnonzero(lengths == n) for n in range(int(lengths.max(initial=0)) + 1)]
    left = np.array([len(texts) for texts in by_length])
    order, sizes = [], []
    for longest in range(len(left) - 1, 0, -1):
        while left[longest]:
            left[longest] -= 1
            row = np.bincount([longest, *_fill(left, width - longest)], minlength=len(left))
            left[longest] += 1
            rows = int(np.min(left[row > 0] // row[row > 0]))  # as often as the texts last
            kinds = np.flatnonzero(row)
            taken = [by_length[n][left[n] - rows * row[n] : left[n]].reshape(rows, -1) for n in kinds]
            order.append(np.concatenate(taken, axis=1).ravel())
            sizes += [int(row.sum())] * rows
            left -= rows * row
    starts = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
    return Layout(np.concatenate([np.empty(0, np.int64), *order]), starts)


def _fill(left: np.ndarray, space: int) -> list[int]:
    """Lengths whose sum is as near to `space` as possible without exceeding it; `left[n]` of length n are left."""
    added = np.full(space + 1, -1)  # the length that was added last to reach each sum
    added[0] = 0
    for n in range(min(space, len(left) - 1), 0, -1):
        for _ in range(min(left[n], space // n)):
            new = np.flatnonzero((added[n:] < 0) & (added[:-n] >= 0))
            if not len(new):
                break
            added[new + n] = n
        if added[space] >= 0:
            break
    total, chosen = int(np.flatnonzero(added >= 0)[-1]), []
    while total:
        chosen.append(int(added[total]))
        total -= chosen[-1]
    return chosen
