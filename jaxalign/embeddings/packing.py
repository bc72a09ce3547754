"""Tokens -> batches whose rows are small forests: each distinct prefix is computed once.

A causal model's state at a token depends on what stands before it alone, so texts that begin alike share their
beginning. The distinct token rows, sorted, are a prefix tree in depth-first order. The tree is cut into windows of at
most `width` slots; a window repeats the path of its first text, so that every row stands on its own, and slot k is seen
by the interval of slots below it. Attention is then dense inside a row, with a mask made on the device from two
integers a slot. Bidirectional models use the same rows without sharing: a slot is seen by the slots of its text.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int32, Int64

from jaxalign.embeddings import prefix_tree
from jaxalign.embeddings.tokenize import Tokens
from jaxalign.types import Batch, InputError

POOLINGS = ("first", "last", "mean", "decoder")
SPECIAL_TOKENS = ("auto", "include", "exclude")
WIDTHS = (*range(32, 128, 4), 128, 144, 160, 192, 224, 256, 320, 384, 512)
SHARED_WIDTHS = (32, 64, 128, 192, 256, 384, 512)


class Request(NamedTuple):
    """Texts to embed with one pooling."""

    tokens: Tokens
    pooling: str  # of POOLINGS; "decoder" picks the whole text, which the decoder's first step attends to


class Forest(NamedTuple):
    """The plan of a run: distinct texts in the order of computation, cut into rows."""

    ids: Int32[np.ndarray, " token"]  # those that are computed
    offsets: Int64[np.ndarray, " text+1"]  # of each distinct text's own tokens; those before them are of earlier texts
    lengths: Int32[np.ndarray, " text"]  # of the whole text
    row_texts: Int64[np.ndarray, " row+1"]  # first text of each row
    pick_text: Int64[np.ndarray, " pick"]  # sorted
    pick_from: Int32[np.ndarray, " pick"]  # a pick is the mean of the positions pick_from:pick_to of its text
    pick_to: Int32[np.ndarray, " pick"]
    row_picks: Int64[np.ndarray, " row+1"]  # first pick of each row
    where: tuple[Int64[np.ndarray, " text"], ...]  # for each request, the pick of each of its texts
    width: int  # slots a row
    picks: int  # picks a row
    causal: bool
    given: int  # tokens of all requests' texts, before anything is shared

    @property
    def rows(self) -> int:
        return len(self.row_texts) - 1

    @property
    def computed(self) -> int:
        """Number of slots in use: distinct prefixes, and those a row repeats."""
        return len(self.ids)


def forest(
    requests: Sequence[Request], *, causal: bool, special_tokens: str = "auto", width: int | None = None,
    features: int = 1024,
) -> Forest:  # fmt: skip
    """Plan of all requests together, each distinct prefix once in a row.

    special_tokens: whether `mean` and `first` count the tokens that the tokenizer adds: `auto` leaves them out of a
      decoder (its first token is an attention sink with a giant norm) and keeps them in an encoder (as transformers'
      masked mean and sentence-transformers do). `last` is the last token of the text as given, except under `exclude`.
    width: slots a row; by default the cheapest of WIDTHS for these texts in a model of `features` features.
    """
    for request in requests:
        if request.pooling not in POOLINGS:
            raise InputError(f"Expected a pooling of {', '.join(POOLINGS)}, got {request.pooling!r}. See --pooling.")
    if special_tokens not in SPECIAL_TOKENS:
        raise InputError(f"Expected --special_tokens of {', '.join(SPECIAL_TOKENS)}, got {special_tokens!r}.")
    distinct, text_of = prefix_tree.distinct([request.tokens for request in requests])
    lengths = distinct.lengths
    shared = distinct.common if causal else np.zeros_like(lengths)
    longest = int(lengths.max(initial=1))
    width = width or _best_width(lengths, shared, causal, features, longest)
    if width < longest:
        raise InputError(f"Expected a width of at least the longest text's {longest} tokens, got {width}.")
    order, row_texts = (_windows if causal else _packed)(lengths, shared, width)
    shared = shared[order]
    shared[row_texts[:-1]] = 0
    ids, offsets = prefix_tree.taken(distinct, order, shared)
    del distinct  # with all tokens as they were given: a list of texts may be long
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    picks, where = _picks(requests, [rank[text] for text in text_of], causal, special_tokens)
    row_picks = np.searchsorted(picks[0], row_texts)
    return Forest(
        ids=ids, offsets=offsets, lengths=lengths[order], row_texts=row_texts, pick_text=picks[0], pick_from=picks[1],
        pick_to=picks[2], row_picks=row_picks, where=where, width=width,
        picks=_bucket(int(np.diff(row_picks).max(initial=1))), causal=causal,
        given=sum(int(request.tokens.offsets[-1]) for request in requests),
    )  # fmt: skip


def _picks(
    requests: Sequence[Request], text_of: Sequence[np.ndarray], causal: bool, special_tokens: str
) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, ...]]:
    """(text, from, to) of the distinct picks, sorted, and for each request the pick of each of its texts."""
    stops = 1 + max(int(np.diff(request.tokens.offsets).max(initial=0)) for request in requests)
    parts = []
    for request, text in zip(requests, text_of, strict=True):
        start, end = _ranges(request, causal, special_tokens)
        parts.append((text * stops + start) * stops + end)
    keys, inverse = np.unique(np.concatenate(parts), return_inverse=True)
    text, rest = np.divmod(keys, stops * stops)
    where = tuple(np.split(inverse, np.cumsum([len(part) for part in parts])[:-1]))
    return (text, (rest // stops).astype(np.int32), (rest % stops).astype(np.int32)), where


def _best_width(lengths: np.ndarray, shared: np.ndarray, causal: bool, features: int, longest: int) -> int:
    """Slots a row that cost least: few unused and few repeated prefixes, against attention that grows with the row."""
    # Causal: few sizes, which several templates share; a window is full whatever its width. Else the texts' common
    # lengths have to fill it: of prompts of 15 to 20 tokens five leave 1 % of 84 slots, but 4 % of 96.
    known = SHARED_WIDTHS if causal else WIDTHS
    sizes = [w for w in known if w >= longest][:16] or [-(-longest // 64) * 64]
    cut = _windows if causal else _packed
    rows = {w: len(cut(lengths, shared, w)[1]) - 1 for w in sizes}
    # Attention adds width / (6 features) to a slot's operations, in small products that are slower than the others:
    # measured at 1,024 features 3.0, 3.8, 5.1 and 5.9 % of the time at widths of 64, 128, 192 and 256.
    return min(sizes, key=lambda w: rows[w] * w * (1 + w / (3 * features)))


def _bucket(count: int) -> int:
    # Steps of an eighth of a power of two, so that several templates meet in one compiled shape.
    step = max(8, 1 << max(0, (count - 1).bit_length() - 3))
    return max(1, -(-count // step)) * step


def _ranges(request: Request, causal: bool, special_tokens: str) -> tuple[np.ndarray, np.ndarray]:
    tokens, pooling = request.tokens, request.pooling
    lengths = np.diff(tokens.offsets).astype(np.int32)
    if pooling == "decoder":
        return np.zeros_like(lengths), lengths
    inner = special_tokens == "exclude" or (special_tokens == "auto" and causal and pooling != "last")
    start, end = (tokens.inner_from, tokens.inner_to) if inner else (np.zeros_like(lengths), lengths)
    if pooling == "first":
        return start, start + 1
    return (end - 1, end) if pooling == "last" else (start, end)


def _windows(lengths: np.ndarray, shared: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Order of the texts (as given) and the first text of each row: as many as fit, the first with its whole path."""
    total = np.cumsum(lengths - shared, dtype=np.int64)
    starts = [0]
    while starts[-1] < len(lengths):
        first = starts[-1]
        room = width - lengths[first] + total[first]
        starts.append(max(first + 1, int(np.searchsorted(total, room, side="right"))))
    return np.arange(len(lengths)), np.array(starts, np.int64)


def _packed(lengths: np.ndarray, shared: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Order of the texts and the first text of each row: the longest left, and what fills the row best beside it."""
    by_length = [np.flatnonzero(lengths == n) for n in range(int(lengths.max(initial=0)) + 1)]
    left = np.array([len(texts) for texts in by_length])
    order, sizes = [], []
    for longest in range(len(left) - 1, 0, -1):
        while left[longest]:
            left[longest] -= 1
            row = np.bincount([longest, *_fill(left, width - longest)], minlength=len(left))
            left[longest] += 1
            rows = int((left[row > 0] // row[row > 0]).min())  # as often as the texts last
            kinds = np.flatnonzero(row)
            taken = [by_length[n][left[n] - rows * row[n] : left[n]].reshape(rows, -1) for n in kinds]
            order.append(np.concatenate(taken, axis=1).ravel())
            sizes += [int(row.sum())] * rows
            left -= rows * row
    return np.concatenate([np.empty(0, np.int64), *order]), np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])


def _fill(left: np.ndarray, room: int) -> list[int]:
    """Lengths, `left[n]` of length n to choose from, whose sum comes nearest to `room` from below; long ones first."""
    added = np.full(room + 1, -1)  # the length that was added last to reach each sum
    added[0] = 0
    for n in range(min(room, len(left) - 1), 0, -1):
        for _ in range(min(left[n], room // n)):
            new = np.flatnonzero((added[n:] < 0) & (added[:-n] >= 0))
            if not len(new):
                break
            added[new + n] = n
        if added[room] >= 0:
            break
    total, found = int(np.flatnonzero(added >= 0)[-1]), []
    while total:
        found.append(int(added[total]))
        total -= found[-1]
    return found


def batch(plan: Forest, first: int, rows: int) -> Batch:
    """Rows `first` to `first + rows` of the plan; rows behind the last are empty."""
    stop = min(first + rows, plan.rows)
    t0, t1 = plan.row_texts[first], plan.row_texts[stop]
    offsets, lengths, shared = _texts(plan, t0, t1)
    begins = plan.row_texts[first:stop] - t0
    row, start = _starts(plan, first, stop)
    new = lengths - shared
    text = np.repeat(np.arange(len(new)), new)
    position = np.arange(offsets[-1]) - np.repeat(offsets[:-1] - shared, new)
    slot = start[text] + position - shared[text]
    path = _paths(start, shared, lengths)
    flat = [np.zeros(rows * plan.width, np.int32) for _ in range(2)]
    flat += [np.tile(np.arange(plan.width, dtype=np.int32), rows) for _ in range(2)]
    flat[3] += 1
    tokens, positions, seen_from, seen_to = flat
    tokens[slot] = plan.ids[plan.offsets[t0] : plan.offsets[t1]]
    positions[slot] = position
    base = row[text] * plan.width
    if plan.causal:
        # The subtree of a slot ends where the next text leaves its path, or with the row.
        used = (start + new)[np.append(begins[1:], len(new)) - 1]
        leaves = np.where(np.arange(path.shape[1]) >= shared[:, None], start[:, None], np.iinfo(np.int64).max)
        after = np.full_like(leaves, np.iinfo(np.int64).max)
        after[:-1] = np.minimum.accumulate(leaves[::-1], axis=0)[::-1][1:]
        seen_to[slot] = np.minimum(after[text, position], used[row[text]]) - base
    else:
        seen_from[slot] = start[text] - base
        seen_to[slot] = (start + lengths)[text] - base
    pool = _pool(plan, first, stop, rows, path, t0, row)
    shaped = [part.reshape(rows, plan.width) for part in flat]
    return Batch(shaped[0], shaped[1], shaped[2], shaped[3], pool)


def _texts(plan: Forest, t0: int, t1: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Offsets of these texts' own tokens, whole lengths, and numbers of tokens taken from the texts before."""
    offsets, lengths = plan.offsets[t0 : t1 + 1] - plan.offsets[t0], plan.lengths[t0:t1].astype(np.int64)
    return offsets, lengths, lengths - np.diff(offsets)


def _starts(plan: Forest, first: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
    """Row of each text, and slot in the batch of its first new token."""
    t0, t1 = plan.row_texts[first], plan.row_texts[stop]
    row = np.repeat(np.arange(stop - first), np.diff(plan.row_texts[first : stop + 1]))
    begin = plan.offsets[t0:t1]
    return row, begin - begin[plan.row_texts[first:stop] - t0][row] + row * plan.width


def _paths(start: np.ndarray, shared: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """(text, position) slot in the batch of every token of every text; a shared one is the newest of its depth."""
    at = np.arange(lengths.max())
    made = np.where((at >= shared[:, None]) & (at < lengths[:, None]), start[:, None] + at - shared[:, None], -1)
    return np.maximum.accumulate(made, axis=0)


def _pool(
    plan: Forest, first: int, stop: int, rows: int, path: np.ndarray, t0: int, row: np.ndarray
) -> np.ndarray:  # fmt: skip
    picks = slice(plan.row_picks[first], plan.row_picks[stop])
    text, begin, end = plan.pick_text[picks] - t0, plan.pick_from[picks], plan.pick_to[picks]
    pick_row = row[text]
    index = np.arange(len(text)) - (plan.row_picks[first:stop] - plan.row_picks[first])[pick_row]
    count = (end - begin).astype(np.int64)
    one = np.repeat(np.arange(len(text)), count)
    position = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count - begin, count)
    pool = np.zeros((rows, plan.picks, plan.width), np.float32)
    pool[pick_row[one], index[one], path[text[one], position] - pick_row[one] * plan.width] = 1 / count[one]
    return pool


def last_picks(plan: Forest, pool: np.ndarray) -> np.ndarray | None:
    """(row, pick) slot of each pick if all of them are single tokens, else None."""
    if (plan.pick_to - plan.pick_from > 1).any():
        return None
    return pool.argmax(axis=2).astype(np.int32)


def used_picks(plan: Forest, first: int, rows: int) -> np.ndarray:
    """(row, pick) mask of the picks in use; in order they are the plan's picks from `row_picks[first]` on."""
    counts = np.zeros(rows, np.int64)
    found = np.diff(plan.row_picks[first : first + rows + 1])
    counts[: len(found)] = found
    return np.arange(plan.picks) < counts[:, None]


def most_picks(plan: Forest, rows: int) -> int:
    """A round number that the picks of no `rows` rows computed together exceed."""
    starts = plan.row_picks[np.minimum(np.arange(0, plan.rows + rows, rows), plan.rows)]
    return min(_bucket(int(np.diff(starts).max(initial=1))), rows * plan.picks)


def taken_picks(plan: Forest, first: int, rows: int, copies: int, count: int) -> np.ndarray:
    """(copy, count) numbers of the picks in use among the rows of each copy of the model; 0 behind the last one."""
    taken = np.zeros((copies, count), np.int32)
    for numbers, used in zip(taken, used_picks(plan, first, rows).reshape(copies, -1), strict=True):
        found = np.flatnonzero(used)
        numbers[: len(found)] = found
    return taken
