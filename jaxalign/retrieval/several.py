"""Ranks of one pair in several retrievals, whose similarity is made once."""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Array, Float, Int

from jaxalign.retrieval import ranks, ranks_bfloat16
from jaxalign.retrieval.penalties import Tiling
from jaxalign.retrieval.ranks import BothRanked


def rank_each(
    buffer: Float[Array, "row column"] | None,
    pair: Sequence[Float[Array, "row feature"]],
    answers: Sequence[Int[Array | np.ndarray, " row"]],
    tilings: Sequence[Tiling],
    valid: int,
) -> Iterator[BothRanked]:
    """As `ranks.rank_both` for the source and target in `pair`, in the retrieval of each tiling.

    Where the similarity is kept, a retrieval takes it from the one before; the faster mode makes an inexact one of its
    own. Each result's buffer is given to the next retrieval: only the last one may be used afterwards.
    """
    exact = False
    for tiling in tilings:
        if ranks_bfloat16.supports(tiling):
            ranked, exact = ranks_bfloat16.rank_fast(buffer, *pair, *answers, tiling=tiling, valid=valid), False
        else:
            ranked = ranks.rank_both(buffer, *pair, *answers, tiling=tiling, valid=valid, filled=exact)
            exact = tiling.keep
        buffer = ranked.buffer
        yield ranked
