"""The shape and the arrays of a batch: consecutive rows of a plan as tokens, positions, visibility, pooling weights."""

import math
from typing import Any, NamedTuple

import numpy as np

from jaxalign.embeddings.packing import Forest, round_up
from jaxalign.types import Batch

# Slots of a batch on one device. CPU: within 7 % of the best of 512 to 4096 for every family measured.
# Accelerators: enough to keep a 7B model's products bound by arithmetic; halved until the compiler's own figure fits
# the free memory.
BATCH_TOKENS = {"cpu": 1024, "gpu": 16384, "tpu": 16384}
# A CPU reads the kernels of all experts once a batch; up to 4,096 slots each expert should get as many tokens as this.
# 128 experts, 8 for each token: 4,096 slots are 1.7 times as fast as 1,024.
TOKENS_FOR_EXPERT, MOST_TOKENS_FOR_EXPERTS = 256, 4096


class Shape(NamedTuple):
    """What a program is compiled for."""

    rows: int  # of a batch, all devices together
    width: int  # slots per row
    row_vectors: int  # pooled vectors of a row, at most
    copy_vectors: int  # pooled vectors of a batch that one copy of the model gives, at most
    layers: tuple[int, ...]
    focused: bool  # the last layer's vectors are single tokens: its block computes only those tokens
    decoder: bool = False  # vectors are the decoder's first step over each text
    single: bool = False  # each vector is one token's state
    earlier: int = 0  # slots of other rows that a row sees


def shape_of(
    plan: Forest, layers: tuple[int, ...], depth: int, copies: int, each: int, decoder: bool = False
) -> Shape:  # fmt: skip
    """Shape of the plan's batches for `copies` copies of a model of `depth` blocks, at most `each` windows per copy."""
    single = bool((plan.vector_to - plan.vector_from == 1).all())
    few = layers == (depth,) or 4 * plan.most_vectors <= 3 * plan.width
    focused = single and few and depth in layers and not decoder
    windows = plan.rows // plan.window_rows
    count = max(1, math.ceil(windows / (each * copies)))
    # A short plan in equal batches wastes few rows; a long one keeps the shape that others share.
    step = max(1, each // 4)
    if count <= 4:
        each = max(1, min(each, math.ceil(windows / (count * copies * step)) * step))
    rows = each * plan.window_rows
    most = most_vectors(plan, rows)
    return Shape(
        rows * copies, plan.width, plan.most_vectors, most, layers, focused, decoder, single and not decoder,
        plan.earlier,
    )  # fmt: skip


def batch(plan: Forest, first: int, rows: int) -> Batch:
    """Rows `first` to `first + rows` of the plan, whole windows; rows after the last are empty."""
    opening, end = first // plan.window_rows, min(first + rows, plan.rows) // plan.window_rows
    t0, t1 = plan.window_texts[opening], plan.window_texts[end]
    offsets, lengths, shared = _texts(plan, t0, t1)
    begins = plan.window_texts[opening:end] - t0
    window, start = _starts(plan, opening, end)
    new = lengths - shared
    text = np.repeat(np.arange(len(new)), new)
    position = np.arange(offsets[-1]) - np.repeat(offsets[:-1] - shared, new)
    slot = start[text] + position - shared[text]
    path = _paths(start, shared, lengths)
    flat = [np.zeros(rows * plan.width, np.int32) for _ in range(2)]
    flat += [np.arange(rows * plan.width, dtype=np.int32) for _ in range(2)]
    flat[3] += 1
    tokens, positions, seen_from, seen_to = flat
    tokens[slot] = plan.ids[plan.offsets[t0] : plan.offsets[t1]]
    positions[slot] = position
    if plan.causal:
        # The subtree of a slot ends where the next text leaves its path, or with the window.
        used = (start + new)[np.append(begins[1:], len(new)) - 1]
        leaves = np.where(np.arange(path.shape[1]) >= shared[:, None], start[:, None], np.iinfo(np.int64).max)
        after = np.full_like(leaves, np.iinfo(np.int64).max)
        after[:-1] = np.minimum.accumulate(leaves[::-1], axis=0)[::-1][1:]
        seen_to[slot] = np.minimum(after[text, position], used[window[text]])
    else:
        seen_from[slot] = start[text]
        seen_to[slot] = (start + lengths)[text]
    pool = _pool(plan, first, rows, path, t0)
    before, before_to = _earlier(plan, path, start, shared, offsets, seen_to) if plan.earlier else (None, None)
    shaped = [part.reshape(rows, plan.width) for part in flat]
    base = np.arange(rows, dtype=np.int32)[:, None] * plan.width
    until = np.minimum(shaped[3] - base, plan.width)
    return Batch(shaped[0], shaped[1], shaped[2] - base, until, pool, before, before_to)


def _texts(plan: Forest, t0: int, t1: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Offsets of these texts' own tokens, whole lengths, and numbers of tokens taken from the texts before."""
    offsets, lengths = plan.offsets[t0 : t1 + 1] - plan.offsets[t0], plan.lengths[t0:t1].astype(np.int64)
    return offsets, lengths, lengths - np.diff(offsets)


def _starts(plan: Forest, first: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
    """Window of each text of the windows `first` to `stop`, and slot in the batch of its first new token."""
    t0, t1 = plan.window_texts[first], plan.window_texts[stop]
    window = np.repeat(np.arange(stop - first), np.diff(plan.window_texts[first : stop + 1]))
    begin, slots = plan.offsets[t0:t1], plan.window_rows * plan.width
    return window, begin - begin[plan.window_texts[first:stop] - t0][window] + window * slots


def _paths(start: np.ndarray, shared: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """(text, position) slot in the batch of each token of each text; a shared token is the latest one at its depth."""
    at = np.arange(lengths.max())
    made = np.where((at >= shared[:, None]) & (at < lengths[:, None]), start[:, None] + at - shared[:, None], -1)
    return np.maximum.accumulate(made, axis=0)


def _earlier(
    plan: Forest, path: np.ndarray, start: np.ndarray, shared: np.ndarray, offsets: np.ndarray, seen_to: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """(row, earlier) path to each row's first slot, as `Batch` has it: slots before the row, and where each ends."""
    first = np.arange(0, len(seen_to), plan.width)
    text = np.searchsorted(start, first, side="right") - 1  # begins at or before the row
    position = first - start[text] + shared[text]
    position[first >= (start + np.diff(offsets))[text]] = 0  # the row begins with an unused slot
    at = np.arange(plan.earlier)
    on_path = path[text[:, None], np.minimum(at, path.shape[1] - 1)]
    slots = np.where(at < position[:, None], on_path, first[:, None])
    until = np.where(slots < first[:, None], seen_to[slots] - first[:, None], 0)
    return (first[:, None] - slots).astype(np.int32), np.minimum(until, plan.width).astype(np.int32)


def _pool(plan: Forest, first: int, rows: int, path: np.ndarray, t0: int) -> np.ndarray:
    """(row, vector, slot) weights that pool the slots of each vector; their sum is 1."""
    row_vectors = plan.row_vectors[first : first + rows + 1]
    vectors = slice(row_vectors[0], row_vectors[-1])
    text, begin, end = plan.vector_text[vectors] - t0, plan.vector_from[vectors], plan.vector_to[vectors]
    vector_row = np.repeat(np.arange(len(row_vectors) - 1), np.diff(row_vectors))
    index = np.arange(len(text)) - (row_vectors[:-1] - row_vectors[0])[vector_row]
    count = (end - begin).astype(np.int64)
    of = np.repeat(np.arange(len(text)), count)  # the vector of each weight
    place = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)  # among the vector's own tokens
    position, whole = place + np.repeat(begin, count), count[of]
    total = whole * (whole + 1) / 2
    weights = np.stack([1 / whole, (place + 1) / total, (whole - place) / total])  # in the order of WEIGHTS
    weight = np.take_along_axis(weights, plan.vector_weights[vectors][of][None].astype(np.int64), axis=0)[0]
    pool = np.zeros((rows, plan.most_vectors, plan.width), np.float32)
    pool[vector_row[of], index[of], path[text[of], position] - vector_row[of] * plan.width] = weight
    return pool


def vector_slots(plan: Forest, pool: np.ndarray) -> np.ndarray | None:
    """(row, vector) slot of each pooled vector if all of them are single tokens, else None."""
    if (plan.vector_to - plan.vector_from > 1).any():
        return None
    return pool.argmax(axis=2).astype(np.int32)


def used_vectors(plan: Forest, first: int, rows: int) -> np.ndarray:
    """(row, vector) mask of those in use; in order they are the plan's vectors from `row_vectors[first]` on."""
    counts = np.zeros(rows, np.int64)
    in_plan = np.diff(plan.row_vectors[first : first + rows + 1])
    counts[: len(in_plan)] = in_plan
    return np.arange(plan.most_vectors) < counts[:, None]


def most_vectors(plan: Forest, rows: int) -> int:
    """A round number that the vectors of no `rows` rows computed together exceed."""
    starts = plan.row_vectors[np.minimum(np.arange(0, plan.rows + rows, rows), plan.rows)]
    return min(round_up(int(np.diff(starts).max(initial=1))), rows * plan.most_vectors)


def used_numbers(plan: Forest, first: int, rows: int, copies: int, count: int) -> np.ndarray:
    """(copy, count) numbers of the vectors in use among the rows of each copy of the model; 0 after the last one."""
    numbers = np.zeros((copies, count), np.int32)
    for own, used in zip(numbers, used_vectors(plan, first, rows).reshape(copies, -1), strict=True):
        places = np.flatnonzero(used)
        own[: len(places)] = places
    return numbers


def usual_tokens(config: Any, platform: str) -> int:
    """Slots of a batch on one device of a platform where nothing else was asked for."""
    tokens = BATCH_TOKENS.get(platform, BATCH_TOKENS["gpu"])
    if platform != "cpu" or not config.experts:
        return tokens
    wanted = TOKENS_FOR_EXPERT * config.experts // config.experts_per_token
    return max(tokens, min(wanted, MOST_TOKENS_FOR_EXPERTS))
