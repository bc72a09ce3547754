"""The mean of the k highest similarities of a row or column, r of CSLS (Conneau et al. 2018, equation 5), unsorted.

The k best cells lie in the k blocks of 16 cells with the highest maxima. In a row they are read in place. For a column,
where the similarity is never held in memory, a sweep over tiles of rows keeps only the maxima (a sixteenth of it), and
the cells of those blocks are made again.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from jaxalign.retrieval.counting import highest_of
from jaxalign.types import InputError

BLOCK = 16  # cells of a row or column that share a maximum
SEGMENT = 16  # tiles of one call
PASSES = 16  # up to this k, k passes of a masked maximum are faster than a sort


def check_k(csls_k: int, rows: int) -> None:
    """InputError unless each candidate has `csls_k` neighbours among `rows` rows of the other language."""
    if not 1 <= csls_k <= rows:
        raise InputError(
            f"Expected --csls_k from 1 to {rows}, the rows of one language that count as neighbours, got {csls_k}. "
            "Lower --csls_k."
        )


def sum_of_best(values: Float[Array, "row column"], k: int) -> Float[Array, " row"]:
    """Sum of the k highest of each row, equal values counted as often as they occur."""
    if k > PASSES:
        return lax.top_k(values, k)[0].sum(-1)
    top, left = values.max(-1), jnp.full(len(values), k)
    total = jnp.zeros(len(values), values.dtype)
    for _ in range(k):
        taken = jnp.minimum((values == top[:, None]).sum(-1), left)
        total, left = total + jnp.where(taken > 0, taken * top, 0), left - taken
        top = jnp.where(values < top[:, None], values, -jnp.inf).max(-1)
    return total


def mean_of_best(similarity: Float[Array, "row column"], k: int, valid: int | None = None) -> Float[Array, " row"]:
    """Mean of the k highest of each row, exact: they lie in the k blocks with the highest maxima.

    Columns from `valid` on do not count.
    """
    rows, columns = similarity.shape
    valid, stride = columns if valid is None else valid, columns // BLOCK
    counted = jnp.arange(columns) < valid
    if valid < 2 * k * BLOCK or columns % BLOCK or columns - valid > stride:
        return sum_of_best(jnp.where(counted, similarity, -jnp.inf), k) / k
    # A block is every `stride`-th column, so that its maximum is taken along the memory. Padding is left out in the
    # last column of each block: a mask over all cells would cost as much as a copy of them.
    last = similarity[:, -stride:]
    blocks = similarity[:, :-stride].reshape(rows, BLOCK - 1, stride)
    maxima = jnp.maximum(highest_of(blocks, 1), jnp.where(counted[-stride:], last, -jnp.inf))
    cells = (lax.top_k(maxima, k)[1][:, :, None] + stride * jnp.arange(BLOCK)).reshape(rows, -1)
    values = jnp.take_along_axis(similarity, cells, axis=1)
    return sum_of_best(jnp.where(counted[cells], values, -jnp.inf), k) / k


def mean_from_blocks(
    maxima: Float[Array, "block column"],
    source: Float[Array, "row feature"],
    target: Float[Array, "column feature"],
    rows: int,
    k: int,
    gathered: int,
) -> Float[Array, " column"]:
    """Mean of the k highest of each column of source @ target', given the maxima of its blocks of rows.

    Their rows are made again for so many columns at once that the rows gathered have about `gathered` cells.
    """
    best = min(k, len(maxima))
    chunk = max(1, min(len(target), gathered // (best * BLOCK * source.shape[1])))
    chunks = -(-len(target) // chunk)

    def measure_chunk(index: Array, means: Array) -> Array:
        start = jnp.minimum(index * chunk, len(target) - chunk)  # the last one overlaps the one before it
        blocks = lax.top_k(lax.dynamic_slice_in_dim(maxima, start, chunk, 1).T, best)[1]
        cells = (blocks[:, :, None] * BLOCK + jnp.arange(BLOCK)).reshape(chunk, -1)
        columns = lax.dynamic_slice_in_dim(target, start, chunk, 0)
        values = jnp.einsum("crf,cf->cr", source[cells], columns, precision=lax.Precision.HIGHEST)
        values = jnp.where(cells < rows, values, -jnp.inf)
        return lax.dynamic_update_slice_in_dim(means, sum_of_best(values, k) / k, start, 0)

    return lax.fori_loop(0, chunks, measure_chunk, jnp.zeros(len(target), source.dtype))


def radii(
    rows: Float[Array, "row feature"],
    others: Float[Array, "other feature"],
    k: int,
    tile: int,
    progress: Callable[[int, int], None] | None = None,
) -> Float[Array, " row"]:
    """r of CSLS: the mean of the k highest similarities of each of `rows` to all `others`.

    Makes `tile` rows of the similarity at once; `progress(done, total)` is called with rows.
    """
    whole = jnp.pad(others, ((0, -len(others) % BLOCK), (0, 0)))
    means: list[Array] = []
    for start, part, tiles in segments(rows, tile):
        means.append(_radii(part, whole, tiles, len(others), k, tile)[: len(rows) - start])
        if progress:
            means[-1].block_until_ready()
            progress(min(start + len(part), len(rows)), len(rows))
    return jnp.concatenate(means)


@partial(jax.jit, static_argnames=("valid", "k", "tile"))
def _radii(rows: Array, others: Array, tiles: int, valid: int, k: int, tile: int) -> Float[Array, " row"]:
    def measure_tile(index: Array, means: Array) -> Array:
        start = index * tile
        cells = jnp.matmul(lax.dynamic_slice_in_dim(rows, start, tile, 0), others.T, precision=lax.Precision.HIGHEST)
        return lax.dynamic_update_slice_in_dim(means, mean_of_best(cells, k, valid), start, 0)

    return lax.fori_loop(0, tiles, measure_tile, jnp.zeros(len(rows), rows.dtype))


class Segment(NamedTuple):
    """Consecutive rows, padded with zeros to one of few shapes, so that little is compiled."""

    start: int  # number of the first row
    rows: Float[Array, "row feature"]
    tiles: int  # tiles in use


def segments(rows: Float[Array, "row feature"], tile: int) -> Iterator[Segment]:
    """All rows in order, in segments of at most SEGMENT tiles of `tile` rows."""
    for start in range(0, len(rows), SEGMENT * tile):
        part = rows[start : start + SEGMENT * tile]
        tiles = -(-len(part) // tile)
        shape = 1 << (tiles - 1).bit_length()
        yield Segment(start, jnp.pad(part, ((0, shape * tile - len(part)), (0, 0))), tiles)
