"""What is taken off a candidate's similarity: half of r for CSLS, a log sum for the inverted softmax, 0 for nn.

nn      penalty 0
csls    penalty r(candidate) / 2, r the mean of the `k` highest similarities of the candidate over all candidates of
        the other language (Conneau et al. 2018, equation 5; 2 s - r there, half of it here: exact)
isf     inverted softmax: penalty log(sum over these candidates of exp(beta s)) / beta (Smith et al. 2017, equation 6)
margin  ratio margin: the penalties of csls, but the similarity is divided by those of query and candidate together
        (Artetxe and Schwenk 2019, equation 2, `ratio`, with k of MARGIN_K)
"""

from typing import Literal, NamedTuple

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from jaxalign.retrieval.counting import bounded, highest_of
from jaxalign.retrieval.csls import BLOCK, check_k, mean_from_blocks, mean_of_best, sum_of_best
from jaxalign.types import InputError

Retrieval = Literal["csls", "nn", "isf", "margin"]
RETRIEVALS = ("csls", "nn", "isf", "margin")
BETA = 30.0
MARGIN_K = 4
LEAST = 1e-6  # of a sum of penalties: one near 0 or below it would turn the order of the ratios around
_BY_NEIGHBOURS = ("csls", "margin")


class Tiling(NamedTuple):
    """How a similarity is worked through; static, one compiled function each."""

    retrieval: Retrieval = "csls"
    k: int = 10
    tile: int = 512  # rows made at once; a multiple of BLOCK that divides the padded rows
    keep: bool = True  # hold the similarity between the sweeps
    maxima: bool = (
        True  # hold the maxima of the columns' blocks, a sixteenth of it; else one more sweep for the columns
    )
    best: bool = True  # also find the best candidate and the ties
    gathered: int = 1 << 23  # cells of the rows that are made again at once
    fast: bool = False  # bfloat16 products, see `ranks_bfloat16`


def matmul(source: Float[Array, "row feature"], target: Float[Array, "column feature"]) -> Float[Array, "row column"]:
    """source @ target' at full precision."""
    return jnp.matmul(source, target.T, precision=lax.Precision.HIGHEST)


def score(
    similarity: Float[Array, "..."], query: Float[Array, "..."], candidate: Float[Array, "..."], retrieval: Retrieval
) -> Float[Array, "..."]:
    """The scores of candidates; `query` and `candidate` are penalties, infinite for a candidate that is padding."""
    if retrieval != "margin":
        return similarity - candidate
    both = query + candidate
    return jnp.where(jnp.isinf(both), -jnp.inf, similarity / jnp.maximum(both, LEAST))


def check_neighbours(retrieval: Retrieval, csls_k: int, rows: int) -> None:
    """InputError unless each candidate has the neighbours of a retrieval among `rows` rows of the other language."""
    if retrieval == "csls":
        check_k(csls_k, rows)
    if retrieval == "margin" and rows < MARGIN_K:
        raise InputError(
            f"Expected at least {MARGIN_K} rows of each language with --retrieval=margin, which count as neighbours, "
            f"got {rows}. Drop margin, or give more concepts."
        )


def row_penalty(tile: Float[Array, "row column"], tiling: Tiling, valid: int) -> Float[Array, " row"]:
    """Penalty of each row as a candidate of the columns; those from `valid` on are padding."""
    if tiling.retrieval in _BY_NEIGHBOURS:
        return bounded(mean_of_best(tile, tiling.k, valid) / 2)
    if tiling.retrieval == "isf":
        counted = jnp.where(jnp.arange(tile.shape[1]) < valid, tile, -jnp.inf)
        return bounded(1 + jnp.log(jnp.exp(BETA * (counted - 1)).sum(-1)) / BETA)
    return jnp.zeros(len(tile), tile.dtype)


def column_state(tile: Float[Array, "row column"], tiling: Tiling) -> Float[Array, "part column"]:
    """What one tile says about the penalty of the columns."""
    if tiling.retrieval == "nn" or tiling.retrieval in _BY_NEIGHBOURS and not tiling.maxima:
        return jnp.zeros((1, tile.shape[1]), tile.dtype)
    if tiling.retrieval == "isf":
        return jnp.exp(BETA * (tile - 1)).sum(0, keepdims=True)
    return highest_of(tile.reshape(-1, BLOCK, tile.shape[1]), 1)


def column_penalty(
    state: Float[Array, "part column"],
    similarity: Float[Array, "row column"] | None,
    source: Float[Array, "row feature"],
    target: Float[Array, "column feature"],
    tiling: Tiling,
    valid: int,
) -> Float[Array, " column"]:
    """Penalty of each column as a candidate of the rows, from all tiles' states; rows from `valid` on are padding."""
    if tiling.retrieval == "nn":
        return state[0]
    if tiling.retrieval == "isf":
        return bounded(1 + jnp.log(state.sum(0)) / BETA)
    if not tiling.maxima:
        tiles = target.reshape(-1, tiling.tile, target.shape[1])
        return lax.map(lambda tile: row_penalty(matmul(tile, source), tiling, valid), tiles).ravel()
    if similarity is None:
        return bounded(mean_from_blocks(state, source, target, valid, tiling.k, tiling.gathered) / 2)
    blocks = lax.top_k(state.T, min(tiling.k, len(state)))[1]
    cells = (blocks[:, :, None] * BLOCK + jnp.arange(BLOCK)).reshape(len(blocks), -1)
    values = jnp.where(cells < valid, similarity[cells, jnp.arange(len(blocks))[:, None]], -jnp.inf)
    return bounded(sum_of_best(values, tiling.k) / tiling.k / 2)
