"""Retrieval of word translations as two kernels whose similarity never leaves the chip (Pallas, for TPUs).

XLA writes each tile of the similarity to memory and reads it again for the neighbourhoods and the counts. Here a block
of products is made, used and forgotten: `radii` keeps the k highest of each row, `count` the rank of each query,
for which it makes the products twice: first for the score of the right answers, then for what is above it. So both come
from one place of one program, and a right answer never outranks itself by a rounding. Figures: docs/accelerators.md.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.experimental import pallas as pl
from jaxtyping import Array, Bool, Float, Int

from jaxalign.types import InputError

LANES = 128  # of a TPU's vector registers: the last axis of a block
MEMORY = 24 << 20  # bytes of the chip's own memory that a kernel may use; 16 MB, the default, hold no block of 1,024
# Features, at most -> rows and columns of a block; all columns are read once per block of rows.
BLOCKS = {512: (512, 512), 1024: (512, 256), 4096: (128, 128)}


class Block(NamedTuple):
    """Products of some rows and columns, and which of the columns exist."""

    cells: Float[Array, "row column"]
    column: Int[Array, "row column"]
    exists: Bool[Array, "row column"]


class Counts(NamedTuple):
    """As `vocabulary.Counted`."""

    rank: Int[Array, " query"]
    best: Int[Array, " query"]
    ties: Int[Array, " query"]
    answers: Int[Array, " query"]


class Size(NamedTuple):
    """Rows and columns of a block."""

    rows: int
    columns: int


def block_size(features: int) -> Size:
    """The block for vectors of this many features; InputError for more than the kernels are made for."""
    for most, size in BLOCKS.items():
        if features <= most:
            return Size(*size)
    raise InputError(f"Expected up to {max(BLOCKS)} features for --kernel=pallas, got {features}. Give --kernel=xla.")


@partial(jax.jit, static_argnames=("k", "interpret"))
def radii(
    rows: Float[Array, "row feature"], others: Float[Array, "other feature"], k: int, interpret: bool = False
) -> Float[Array, " row"]:
    """r of CSLS: the mean of the `k` highest products of each row with all others; k up to 128."""
    scratch = Scratch((LANES,), (jnp.float32,))
    found = _call(partial(_radii, k, len(others)), [rows], [others], 1, scratch, jnp.float32, interpret)
    return found[: len(rows), 0]


@partial(jax.jit, static_argnames="interpret")
def count(
    queries: Float[Array, "query feature"],
    target: Float[Array, "column feature"],
    penalty: Float[Array, " column"],
    answers: Int[Array, "query answer"],
    interpret: bool = False,
) -> Counts:
    """Rank, best candidate, ties and right answers of each query, as `vocabulary.count`."""
    scratch = Scratch((1,) * 6, (jnp.float32,) * 2 + (jnp.int32,) * 4)
    body = partial(_count, len(target))
    found = _call(body, [queries, answers], [target, penalty[None]], 2, scratch, jnp.int32, interpret)
    return Counts(*(found[: len(queries), number] for number in range(4)))


class Scratch(NamedTuple):
    """What a kernel keeps of each row between the blocks of columns."""

    widths: tuple[int, ...]
    dtypes: tuple[Any, ...]


def _call(
    body: Callable[..., None], rows: Sequence[Array], columns: Sequence[Array], phases: int, scratch: Scratch,
    kind: Any, interpret: bool,
) -> Array:  # fmt: skip
    """Runs `body` over blocks of rows and, for each of them, `phases` times over all blocks of columns.

    rows: vectors, and what else has one row per row; columns: vectors, and what has one column per column. The result
    is (row, LANES) of `kind`, with rows of padding at the end.
    """
    from jax.experimental.pallas import tpu

    height, width = block_size(rows[0].shape[1])
    rows = [jnp.pad(part, ((0, -len(part) % height), (0, 0))) for part in rows]
    count = len(columns[0])
    of_rows = [pl.BlockSpec((height, part.shape[1]), lambda i, phase, j: (i, 0)) for part in rows]
    of_columns = [pl.BlockSpec((width, columns[0].shape[1]), lambda i, phase, j: (j, 0))]
    of_columns += [pl.BlockSpec((len(part), width), lambda i, phase, j: (0, j)) for part in columns[1:]]
    return pl.pallas_call(
        body,
        grid=(len(rows[0]) // height, phases, pl.cdiv(count, width)),
        in_specs=[*of_rows, *of_columns],
        out_specs=pl.BlockSpec((height, LANES), lambda i, phase, j: (i, 0)),
        out_shape=jax.ShapeDtypeStruct((len(rows[0]), LANES), kind),
        scratch_shapes=[tpu.VMEM((height, lanes), dtype) for lanes, dtype in zip(*scratch, strict=True)],
        compiler_params=tpu.CompilerParams(vmem_limit_bytes=MEMORY),
        interpret=interpret,
    )(*rows, *columns)


def _block(rows: Any, columns: Any, size: int) -> Block:
    """The products of this place of the grid; the last block of columns reaches over the end."""
    cells = lax.dot_general(
        rows[...], columns[...], (((1,), (1,)), ((), ())), precision=lax.Precision.HIGHEST,
        preferred_element_type=jnp.float32,
    )  # fmt: skip
    column = lax.broadcasted_iota(jnp.int32, cells.shape, 1) + pl.program_id(2) * columns.shape[0]
    return Block(cells, column, column < size)


def _radii(k: int, size: int, rows: Any, others: Any, mean: Any, top: Any) -> None:
    """Keeps the k highest of each row in the first lanes of `top`, highest first."""

    @pl.when(pl.program_id(2) == 0)
    def _() -> None:
        top[...] = jnp.full(top.shape, -jnp.inf, jnp.float32)

    block = _block(rows, others, size)
    both = jnp.concatenate([jnp.where(block.exists, block.cells, -jnp.inf), top[...]], axis=1)
    place = lax.broadcasted_iota(jnp.int32, both.shape, 1)
    lane = lax.broadcasted_iota(jnp.int32, top.shape, 1)
    kept = jnp.full(top.shape, -jnp.inf, jnp.float32)
    for number in range(k):
        highest = both.max(1, keepdims=True)
        first = jnp.where(both == highest, place, both.shape[1]).min(1, keepdims=True)
        both = jnp.where(place == first, -jnp.inf, both)
        kept = jnp.where(lane == number, highest, kept)
    top[...] = kept

    @pl.when(pl.program_id(2) == pl.num_programs(2) - 1)
    def _() -> None:
        total = jnp.where(lane < k, kept, 0).sum(1, keepdims=True)
        mean[...] = jnp.broadcast_to(total / k, mean.shape)


def _count(
    size: int, queries: Any, answers: Any, target: Any, penalty: Any, found: Any, right: Any, top: Any, *counts: Any
) -> None:
    """Phase 0: the score of the best right answer. Phase 1: what is above it and what equals it."""
    rank, best, ties, own = counts
    phase, last = pl.program_id(1), pl.program_id(2) == pl.num_programs(2) - 1
    block = _block(queries, target, size)
    scores = jnp.where(block.exists, block.cells - penalty[...], -jnp.inf)
    is_answer = block.column == answers[:, 0:1]
    for number in range(1, answers.shape[1]):
        is_answer |= block.column == answers[:, number : number + 1]

    @pl.when((phase == 0) & (pl.program_id(2) == 0))
    def _() -> None:
        for state in (right, top):
            state[...] = jnp.full(state.shape, -jnp.inf, jnp.float32)
        for state in counts:
            state[...] = jnp.zeros(state.shape, jnp.int32)

    @pl.when(phase == 0)
    def _() -> None:
        right[...] = jnp.maximum(right[...], jnp.where(is_answer, scores, -jnp.inf).max(1, keepdims=True))

    @pl.when(phase == 1)
    def _() -> None:
        same = scores == right[...]
        rank[...] += _number(scores > right[...])
        own[...] += _number(same & is_answer)
        ties[...] += _number(same & ~is_answer)
        highest = scores.max(1, keepdims=True)
        first = jnp.where(scores == highest, block.column, size).min(1, keepdims=True)
        best[...] = jnp.where(highest > top[...], first, best[...])
        top[...] = jnp.maximum(highest, top[...])

    @pl.when((phase == 1) & last)
    def _() -> None:
        lane = lax.broadcasted_iota(jnp.int32, found.shape, 1)
        parts = (rank[...] + 1, best[...], ties[...], own[...])
        table = jnp.zeros(found.shape, jnp.int32)
        for number, part in enumerate(parts):
            table = jnp.where(lane == number, part, table)
        found[...] = table


def _number(marks: Bool[Array, "row column"]) -> Int[Array, "row 1"]:
    """How many of each row are marked."""
    return marks.astype(jnp.int32).sum(1, keepdims=True)
