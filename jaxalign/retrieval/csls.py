"""The mean of the k highest similarities of a row or column, r of CSLS (Conneau et al. 2018, equation 5), without a
sort.

The k best cells lie in the k blocks of 16 cells with the highest maxima. Of a row they are read where they lie. Of a
column, where the similarity never stands in memory, a sweep over tiles of rows keeps the maxima alone (a sixteenth of
it), and the cells of those blocks are made again.
"""

from collections.abc import Callable, Iterator
from functools import partial, reduce

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

BLOCK = 16  # cells of a row or column that share a maximum
SEGMENT = 16  # tiles of one call
PASSES = 16  # up to this k, k passes of a masked maximum are faster than a sort


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


def highest_of(values: jax.Array, axis: int) -> jax.Array:
    """The maximum over a short axis that is not the last; a reduction over it would not be vectorised on a CPU."""
    return reduce(jnp.maximum, (lax.index_in_dim(values, i, axis, keepdims=False) for i in range(values.shape[axis])))


def mean_of_best(similarity: Float[Array, "row column"], k: int, valid: int | None = None) -> Float[Array, " row"]:
    """Mean of the k highest of each row, exact: they lie in the k blocks with the highest maxima.

    Columns from `valid` on do not count.
    """
    rows, columns = similarity.shape
    valid, apart = columns if valid is None else valid, columns // BLOCK
    counted = jnp.arange(columns) < valid
    if valid < 2 * k * BLOCK or columns % BLOCK or columns - valid > apart:
        return sum_of_best(jnp.where(counted, similarity, -jnp.inf), k) / k
    # A block is every `apart`-th column, so that its maximum is taken along the memory. Padding is left out of the last
    # column of each block alone: a mask over all cells would be as dear as a copy of them.
    last = similarity[:, -apart:]
    blocks = similarity[:, :-apart].reshape(rows, BLOCK - 1, apart)
    maxima = jnp.maximum(highest_of(blocks, 1), jnp.where(counted[-apart:], last, -jnp.inf))
    cells = (lax.top_k(maxima, k)[1][:, :, None] + apart * jnp.arange(BLOCK)).reshape(rows, -1)
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

    def one(index, means):
        start = jnp.minimum(index * chunk, len(target) - chunk)  # the last one overlaps the one before it
        blocks = lax.top_k(lax.dynamic_slice_in_dim(maxima, start, chunk, 1).T, best)[1]
        cells = (blocks[:, :, None] * BLOCK + jnp.arange(BLOCK)).reshape(chunk, -1)
        columns = lax.dynamic_slice_in_dim(target, start, chunk, 0)
        values = jnp.einsum("crf,cf->cr", source[cells], columns, precision=lax.Precision.HIGHEST)
        values = jnp.where(cells < rows, values, -jnp.inf)
        return lax.dynamic_update_slice_in_dim(means, sum_of_best(values, k) / k, start, 0)

    return lax.fori_loop(0, chunks, one, jnp.zeros(len(target), source.dtype))


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
    whole, found = jnp.pad(others, ((0, -len(others) % BLOCK), (0, 0))), []
    for start, part, tiles in segments(rows, tile):
        found.append(_radii(part, whole, tiles, len(others), k, tile)[: len(rows) - start])
        if progress:
            found[-1].block_until_ready()
            progress(min(start + len(part), len(rows)), len(rows))
    return jnp.concatenate(found)


@partial(jax.jit, static_argnames=("valid", "k", "tile"))
def _radii(rows, others, tiles, valid: int, k: int, tile: int) -> Float[Array, " row"]:
    def one(index, found):
        start = index * tile
        cells = jnp.matmul(lax.dynamic_slice_in_dim(rows, start, tile, 0), others.T, precision=lax.Precision.HIGHEST)
        return lax.dynamic_update_slice_in_dim(found, mean_of_best(cells, k, valid), start, 0)

    return lax.fori_loop(0, tiles, one, jnp.zeros(len(rows), rows.dtype))


def segments(rows: jax.Array, tile: int) -> Iterator[tuple[int, jax.Array, int]]:
    """(first row, rows padded with zeros to one of few shapes, tiles of `tile` rows in use), so that little is
    compiled."""
    for start in range(0, len(rows), SEGMENT * tile):
        part = rows[start : start + SEGMENT * tile]
        tiles = -(-len(part) // tile)
        shape = 1 << (tiles - 1).bit_length()
        yield start, jnp.pad(part, ((0, shape * tile - len(part)), (0, 0))), tiles
