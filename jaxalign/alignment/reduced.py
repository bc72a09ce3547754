"""Each pair's similarity as a product of two factors, from what is computed once per language.

A ReducedSpace holds a language's seed rows A as coordinates F with A' = Q F', and its candidates in the same
coordinates. With fewer seeds than features Q and F come from a thin QR factorisation (on accelerators from a polar one,
by products) and nothing larger than seeds x seeds is decomposed (27 times as fast at 4096 features, 1000 seeds); else Q
is the identity. The map of a pair is the polar factor of F_i' F_j, of which only U and V with values above the rank
tolerance count.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int

from jaxalign.alignment import procrustes
from jaxalign.alignment.normalize import unit_rows
from jaxalign.alignment.polar import polar
from jaxalign.alignment.procrustes import MapOptions, identity_map
from jaxalign.alignment.products import matmul


class SeedPairs(NamedTuple):
    """Seed `first[n]` of one language is paired with seed `second[n]` of another: places among the fitted rows."""

    first: Int[Array | np.ndarray, " seed"]
    second: Int[Array | np.ndarray, " seed"]


class AlignedPair(NamedTuple):
    """Unit rows of the candidates of two languages, padded with zeros; their product holds the pair's cosines."""

    source: Float[Array, "row basis"]
    target: Float[Array, "row basis"]


class ReducedSpace(NamedTuple):
    """One language, in coordinates that its seed rows span."""

    seeds: Float[Array, "seed basis"] | None  # none for `before`
    candidates: Float[Array, "row basis"]  # unit rows; padded with zeros
    basis: Float[Array, "feature basis"] | None = None  # Q, where it is not the identity and the completion needs it
    full_candidates: Float[Array, "row feature"] | None = None  # unit rows in all features, likewise


# The largest ratio of seeds to features with which each language is factorised first: that costs time for each language
# and saves some for each pair. Ratio .98, 1024 features: all pairs of seven languages 2.8 s with it and 3.4 without, of
# two .35 and .25. It does not depend on the number of languages, so that a pair has the same ranks in every run.
THIN: dict[procrustes.Method, float] = {"svd": 0.98, "polar": 0.75}


def is_thin(seeds: int, features: int, options: MapOptions) -> bool:
    """Whether each language is factorised first."""
    return seeds <= THIN[options.method] * features and options.completion != "arbitrary"


@partial(jax.jit, static_argnames="padded")
def candidate_rows(
    vectors: Float[Array, "concept feature"], candidates: Int[Array, " row"], padded: int
) -> Float[Array, "padded feature"]:
    """The candidates as unit rows, padded with zeros to `padded` rows."""
    rows = unit_rows(vectors[candidates])
    return jnp.pad(rows, ((0, padded - len(rows)), (0, 0)))


@partial(jax.jit, static_argnames="options")
def reduce(
    vectors: Float[Array, "concept feature"],
    candidates: Float[Array, "row feature"],
    rows: Int[Array, " seed"],
    options: MapOptions,
) -> ReducedSpace:
    """The ReducedSpace of one language for the seed rows `rows`."""
    seeds = vectors[rows]
    if not is_thin(seeds.shape[0], seeds.shape[1], options):
        return ReducedSpace(seeds, candidates)
    if options.method == "polar":  # by products: the polar factor of the seeds spans what they span
        basis = polar(seeds.T, procrustes.rank_tolerance(*seeds.shape))
        inner = matmul(seeds, basis)
    else:
        basis, factor = jnp.linalg.qr(seeds.T)
        inner = factor.T
    inside = unit_rows(matmul(candidates, basis))
    if options.completion == "identity":
        return ReducedSpace(inner, inside, basis, candidates)
    return ReducedSpace(inner, inside)


@partial(jax.jit, static_argnames="options")
def align(first: ReducedSpace, second: ReducedSpace, pairs: SeedPairs | None, options: MapOptions) -> AlignedPair:
    """Two factors with unit rows whose product holds the cosines of the pair after the orthogonal map.

    Without `pairs` the seeds are paired in their order; without seeds there is no map. Under `drop` the cosine is that
    of what the two vectors have inside the fitted subspaces.
    """
    if first.seeds is None or second.seeds is None:
        return AlignedPair(first.candidates, second.candidates)
    seeds = first.seeds if pairs is None else first.seeds[pairs.first]
    images = second.seeds if pairs is None else second.seeds[pairs.second]
    tolerance = procrustes.rank_tolerance(*first.seeds.shape)
    left, right, complete = procrustes.fit(seeds, images, options.method, options.completion, tolerance)
    square = left.shape[0] == left.shape[1]

    def rotated() -> AlignedPair:
        return AlignedPair(matmul(first.candidates, matmul(left, right.T)), second.candidates)

    def projected() -> AlignedPair:
        return AlignedPair(unit_rows(matmul(first.candidates, left)), unit_rows(matmul(second.candidates, right)))

    def completed() -> AlignedPair:
        source, target = first.full_candidates, second.full_candidates
        if first.basis is None or second.basis is None or source is None or target is None:
            mapped = identity_map(first.candidates, left, right, options.method)
            return AlignedPair(unit_rows(mapped), second.candidates)
        mapped = identity_map(source, matmul(first.basis, left), matmul(second.basis, right), options.method)
        return AlignedPair(unit_rows(mapped), target)

    if options.completion == "arbitrary":
        return rotated()
    if options.completion == "identity":
        return lax.cond(complete, rotated, completed) if square and first.basis is None else completed()
    return lax.cond(complete, rotated, projected) if square else projected()
