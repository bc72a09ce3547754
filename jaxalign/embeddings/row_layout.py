"""How texts are divided into rows of a fixed number of slots: consecutive windows of the prefix tree, or packed rows.

Causal models share prefixes, so their texts stay in the order of the prefix tree and a row is a window of it.
Bidirectional models share nothing, so any texts may stand in one row, and lengths are combined to fill it.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int64

WIDTHS = (*range(32, 128, 4), 128, 144, 160, 192, 224, 256, 320, 384, 512)
SHARED_WIDTHS = (32, 64, 128, 192, 256, 384, 512)
# Slots per row where rows share a window. Gemma 3 270M, prompts, bfloat16, two cores: 212 and 203 texts a second at 64
# and 128, 197 with rows of 128 on their own.
WINDOW_WIDTH = 64
COPY = 0.08  # what copying the keys and values of as many earlier slots as a row has adds to the time of a slot


class Rows(NamedTuple):
    """How slots are divided."""

    width: int  # slots per row
    per_window: int = 1  # rows that share their beginnings

    @property
    def slots(self) -> int:
        """Slots of a window."""
        return self.width * self.per_window


class Layout(NamedTuple):
    """Order of the texts, and the first text of each row, or of each window of rows, within that order."""

    order: Int64[np.ndarray, " text"]
    window_texts: Int64[np.ndarray, " window+1"]


def lay_out(lengths: np.ndarray, shared: np.ndarray, width: int, causal: bool) -> Layout:
    """Layout of texts of `lengths` tokens, `shared` of them with the one before, in rows or windows of `width`."""
    return windows(lengths, shared, width) if causal else packed(lengths, width)


def best_rows(lengths: np.ndarray, shared: np.ndarray, causal: bool, features: int, window_slots: int) -> Rows:
    """The rows that cost least, each on its own or in windows of at most `window_slots`.

    Few unused slots and repeated prefixes are wanted, but attention grows with what a row sees.
    """
    longest = int(lengths.max(initial=1))

    def cost(rows: Rows) -> float:
        slots = rows.slots * (len(lay_out(lengths, shared, rows.slots, causal).window_texts) - 1)
        # Attention adds width / (6 features) to the operations of a slot, in small products that are slower than
        # others: measured at 1,024 features 3.0, 3.8, 5.1 and 5.9 % of the time at widths of 64, 128, 192 and 256.
        if rows.per_window == 1:
            return slots * (1 + rows.width / (3 * features))
        return slots * (1 + COPY * longest / rows.width + (rows.width + longest) / (3 * features))

    # Causal: few sizes, which several templates share; a window is full whatever its width. Else the texts' common
    # lengths have to fill it: of prompts of 15 to 20 tokens five leave 1 % of 84 slots, but 4 % of 96.
    known = SHARED_WIDTHS if causal else WIDTHS
    widths = [w for w in known if w >= longest][:16] or [-(-longest // 64) * 64]
    together = _in_windows(lengths, shared, window_slots) if causal and longest <= window_slots else []
    return min([*map(Rows, widths), *together], key=cost)


def _in_windows(lengths: np.ndarray, shared: np.ndarray, most_slots: int) -> list[Rows]:
    """Windows of as many rows as fit, or of fewer for a short plan, so that no window is almost empty; or nothing."""
    most = most_slots // WINDOW_WIDTH
    if most < 2:
        return []
    needed, step = len(windows(lengths, shared, most * WINDOW_WIDTH).window_texts) - 1, max(1, most // 4)
    for rows in range(step, most, step) if needed <= 4 else ():
        fits = int(lengths.max(initial=1)) <= rows * WINDOW_WIDTH
        if fits and len(windows(lengths, shared, rows * WINDOW_WIDTH).window_texts) - 1 <= needed:
            return [Rows(WINDOW_WIDTH, rows)] if rows > 1 else []
    return [Rows(WINDOW_WIDTH, most)]


def windows(lengths: np.ndarray, shared: np.ndarray, width: int) -> Layout:
    """Texts in the order given; a window takes as many as fit, the first of them with its whole path."""
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
