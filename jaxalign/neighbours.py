"""The mean of the k highest similarities of a row or column, r of CSLS (Conneau et al. 2018, equation 5), without a
sort.

The k best cells lie in the k blocks of 16 cells with the highest maxima. Where the similarity never stands in memory
a sweep over tiles of rows keeps the maxima alone (a sixteenth of it), and the cells of those blocks are made again.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

BLOCK = 16  # cells of a row or column that share a maximum
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


def mean_of_best(similarity: Float[Array, "row column"], k: int) -> Float[Array, " row"]:
    """Mean of the k highest of each row, exact: they lie in the k blocks with the highest maxima."""
    rows, columns = similarity.shape
    if columns < 2 * k * BLOCK or columns % BLOCK:
        return sum_of_best(similarity, k) / k
    blocks = lax.top_k(similarity.reshape(rows, -1, BLOCK).max(-1), k)[1]
    cells = (blocks[:, :, None] * BLOCK + jnp.arange(BLOCK)).reshape(rows, -1)
    return sum_of_best(jnp.take_along_axis(similarity, cells, axis=1), k) / k


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


@partial(jax.jit, static_argnames=("rows", "k", "tile"))
def neighbourhood(
    source: Float[Array, "row feature"], target: Float[Array, "column feature"], rows: int, k: int, tile: int
) -> Float[Array, " column"]:
    """Mean of the k highest similarities of each target row to the first `rows` source rows: r of CSLS.

    `tile` is a multiple of 16 that divides the source rows, which are padded with zeros; temporaries take
    4 * rows / 16 * columns bytes and a tile.
    """

    def sweep(index, maxima):
        start = index * tile
        cells = jnp.matmul(lax.dynamic_slice_in_dim(source, start, tile, 0), target.T, precision=lax.Precision.HIGHEST)
        counted = (jnp.arange(tile) + start < rows)[:, None]
        found = jnp.where(counted, cells, -jnp.inf).reshape(-1, BLOCK, len(target)).max(1)
        return lax.dynamic_update_slice_in_dim(maxima, found, start // BLOCK, 0)

    empty = jnp.zeros((len(source) // BLOCK, len(target)), source.dtype)
    maxima = lax.fori_loop(0, len(source) // tile, sweep, empty)
    return mean_from_blocks(maxima, source, target, rows, k, gathered=1 << 23)
