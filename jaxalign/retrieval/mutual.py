"""Words of two vocabularies that are each other's nearest neighbour under CSLS: a dictionary without a dictionary."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int

from jaxalign.retrieval.counting import bounded
from jaxalign.retrieval.csls import radii

TILE = 400


class Best(NamedTuple):
    """The nearest column of each row of a tile, and of each column the best score and row so far."""

    column: Int[Array, " row"]
    score: Float[Array, " column"]
    row: Int[Array, " column"]


class RowPairs(NamedTuple):
    """Rows of a source and of a target vocabulary that belong together."""

    source: Int[np.ndarray, " pair"]
    target: Int[np.ndarray, " pair"]


def mutual_neighbours(
    source: Float[Array, "source feature"], target: Float[Array, "target feature"], csls_k: int
) -> RowPairs:
    """Pairs of rows (unit length, mapped into one space) that are each other's nearest under CSLS.

    Of several nearest ones the first counts. The score of s and t is cos(s, t) - r(t) / 2 from s to t and
    cos(s, t) - r(s) / 2 from t to s, r the mean of the `csls_k` highest similarities (Conneau et al. 2018).
    """
    to_source = bounded(radii(target, source, min(csls_k, len(source)), TILE) / 2)
    to_target = bounded(radii(source, target, min(csls_k, len(target)), TILE) / 2)
    rows, padded = len(source), -(-len(source) // TILE) * TILE
    source = jnp.pad(source, ((0, padded - rows), (0, 0)))
    to_target = jnp.pad(to_target, (0, padded - rows), constant_values=jnp.inf)  # padding is nobody's neighbour
    found = Best(jnp.zeros(0, jnp.int32), jnp.full(len(target), -jnp.inf), jnp.zeros(len(target), jnp.int32))
    columns = []
    for start in range(0, padded, TILE):
        part = source[start : start + TILE]
        found = _step(part, target, to_source, to_target[start : start + TILE], found.score, found.row, start)
        columns.append(np.asarray(found.column))
    nearest, back = np.concatenate(columns)[:rows], np.asarray(found.row)
    is_mutual = back[nearest] == np.arange(rows)
    return RowPairs(np.flatnonzero(is_mutual), nearest[is_mutual].astype(np.int64))


@jax.jit
def _step(
    part: Array, target: Array, to_source: Array, to_target: Array, score: Array, row: Array, start: Array
) -> Best:
    cells = partial(jnp.matmul, precision=lax.Precision.HIGHEST)(part, target.T)
    back = cells - to_target[:, None]
    best = back.argmax(0).astype(jnp.int32)
    top = jnp.take_along_axis(back, best[None], axis=0)[0]
    higher = top > score
    nearest = (cells - to_source).argmax(1).astype(jnp.int32)
    return Best(nearest, jnp.where(higher, top, score), jnp.where(higher, best + start, row))
