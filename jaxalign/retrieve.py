"""Rank of the right answer among all candidates, for both directions of a pair from one similarity.

Every retrieval is `score(query, candidate) = similarity - penalty(candidate)`; a term that depends on the query alone
moves no rank and is left out. The right answer is scored by the same expression as all others, so that it cannot
outrank itself.

    nn                penalty 0
    csls              penalty r(candidate) / 2, r the mean of the `k` highest similarities of the candidate over all
                      rows of the other language's pool (Conneau et al. 2018, equation 5; 2 s - r there, half of it
                      here: exact)
    inverted_softmax  penalty log(sum over that pool of exp(beta s)) / beta (Smith et al. 2017, equation 6)
"""

from functools import partial
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

Retrieval = Literal["csls", "nn", "inverted_softmax"]
RETRIEVALS = ("csls", "nn", "inverted_softmax")
BETA = 30.0


class Ranked(NamedTuple):
    """Per query: rank from 1, row of the best candidate, candidates that score exactly as the right answer."""

    rank: Int[Array, " query"]
    best: Int[Array, " query"]
    ties: Int[Array, " query"]


def mean_of_best(similarity: Float[Array, "row column"], k: int) -> Float[Array, " row"]:
    """Mean of the k highest of each row."""
    return jax.lax.top_k(similarity, k)[0].mean(-1)


def penalty(similarity: Float[Array, "candidate other"], retrieval: Retrieval, k: int) -> Float[Array, " candidate"]:
    """What each candidate's score is lowered by, from its similarities to the rows of the other language's pool."""
    if retrieval == "nn":
        return jnp.zeros(len(similarity), similarity.dtype)
    if retrieval == "csls":
        lowered = mean_of_best(similarity, k) / 2
    else:
        lowered = jax.scipy.special.logsumexp(BETA * similarity, axis=-1) / BETA
    # Bounds that never bind keep a compiler from fusing the product into `similarity - penalty` with one rounding in
    # one place and two in another, which lets the right answer outrank itself.
    return jnp.clip(lowered, -8, 8)


def count_higher(
    similarity: Float[Array, "query candidate"], lowered: Float[Array, " candidate"], answers: Int[Array, " query"]
) -> Ranked:
    """Rank 1 + the candidates that score strictly higher than `answers`."""
    scores = similarity - lowered
    right = jnp.take_along_axis(scores, answers[:, None], axis=1)
    rank = 1 + (scores > right).sum(-1, dtype=jnp.int32)
    ties = (scores == right).sum(-1, dtype=jnp.int32) - 1
    return Ranked(rank, scores.argmax(-1).astype(jnp.int32), ties)


@partial(jax.jit, static_argnames=("retrieval", "k"))
def rank_both(
    similarity: Float[Array, "source target"],
    queries: Int[Array, " query"],
    answers: Int[Array, " query"],
    answers_back: Int[Array, " query"],
    retrieval: Retrieval,
    k: int,
) -> tuple[Ranked, Ranked]:
    """Ranks of rows `queries` with right columns `answers`, and of columns `queries` with right rows `answers_back`."""
    columns = similarity.T
    forth = count_higher(similarity[queries], penalty(columns, retrieval, k), answers)
    back = count_higher(columns[queries], penalty(similarity, retrieval, k), answers_back)
    return forth, back
