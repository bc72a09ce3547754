"""Measures of how similar spaces are without a map that use the dictionary, for all pairs and shuffled dictionaries.

Each measure of a pair is an inner product of two (concept, concept) matrices, one per language: K of centred vectors
for CKA, cosines for RSIM, indicators of neighbours for mutual kNN. They are computed once; a shuffled dictionary
permutes their rows.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float32

from jaxalign import reference
from jaxalign.alignment.products import matmul

MEASURES = ("CKA", "CKA_unbiased", "RSIM", "mutual_kNN", "MEXA")  # 1 = the same
_EXACT = jax.lax.Precision.HIGHEST


class Relational(NamedTuple):
    """Each of MEASURES by name: (language, language), and on shuffled dictionaries (draw, language, language)."""

    value: dict[str, np.ndarray]
    null: dict[str, np.ndarray]


class _Prepared(NamedTuple):
    """What the compiled part needs, scaled so that float32 keeps what float64 found.

    A vector of length one is written as mean + deviation; deviations are divided by their root mean square. What is
    left of a cosine, apart from terms that no ranking and no correlation sees, is a product of deviations plus
    `shift`, the product of one language's mean with another's deviations. So a large common offset costs no digits.
    """

    centred: Float32[Array, "language concept feature"]
    deviation: Float32[Array, "language concept feature"]
    shift: Float32[Array, "source target concept"]
    relation: Float32[Array, "language concept feature"]  # deviations of the normalised vectors, and their shift
    relation_shift: Float32[Array, "language concept"]


def relational(
    vectors: Float[np.ndarray, "language concept feature"],
    normalized: Float[np.ndarray, "language concept feature"] | None = None,
    *,
    null_draws: int = 0,
    rng_seed: int = 0,
    neighbours: int = 10,
) -> Relational:
    """Returns each of MEASURES for all pairs, and the same on `null_draws` shuffled dictionaries.

    CKA: <K, L> / (|K| |L|) of centred linear kernels (Kornblith et al. 2019); CKA_unbiased: the same with the unbiased
    HSIC of Song et al. (2012); RSIM: Pearson correlation of the cosines within each language, of the `normalized`
    vectors (Vulic et al. 2020; their script rsim_script.py, which Marchisio et al. 2022 use, takes unit, center, unit,
    the default here); mutual_kNN: share of nearest neighbours in common (Huh et al. 2024); MEXA: share of concepts
    whose translation is strictly closest in both directions (Kargaran et al. 2024). The last two take raw cosines.

    No measure depends on the scale of a space.
    """
    language, concept, _ = vectors.shape
    if normalized is None:
        normalized = np.stack([reference.normalize(space) for space in vectors])
    rng = np.random.default_rng(rng_seed)
    orders = [np.broadcast_to(np.arange(concept), (language, concept))]
    orders += [np.stack([rng.permutation(concept) for _ in range(language)]) for _ in range(null_draws)]
    computed = _relational(_prepare(vectors, normalized), jnp.asarray(np.stack(orders)), neighbours)
    every = {name: np.asarray(value, np.float64) for name, value in computed.items()}
    return Relational({name: each[0] for name, each in every.items()}, {name: each[1:] for name, each in every.items()})


def _prepare(vectors: np.ndarray, normalized: np.ndarray) -> _Prepared:
    centred = np.empty(vectors.shape, np.float32)
    deviation, relation = np.empty_like(centred), np.empty_like(centred)
    means, relation_shift = np.empty((len(vectors), vectors.shape[2])), np.empty(vectors.shape[:2], np.float32)
    for place, (space, steps) in enumerate(zip(vectors, normalized, strict=True)):
        wide = np.asarray(space, np.float64)
        _, centred[place] = _deviations(wide)
        means[place], deviation[place] = _deviations(reference.unit_rows(wide))
        mean, rows = _deviations(reference.unit_rows(np.asarray(steps, np.float64)))
        relation[place], relation_shift[place] = rows, rows @ mean
    shift = np.stack([[mean @ each.T.astype(np.float64) for each in deviation] for mean in means])
    parts = (centred, deviation, shift.astype(np.float32), relation, relation_shift)
    return _Prepared(*map(jnp.asarray, parts))


def _deviations(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean of the rows and their deviations from it, both over the deviations' root mean squared length."""
    mean = rows.mean(0)
    deviations = rows - mean
    largest = float(np.abs(deviations).max())
    size = largest * float(np.sqrt(np.mean(np.sum((deviations / largest) ** 2, -1)))) if largest else 1.0
    return mean / size, deviations / size


@partial(jax.jit, static_argnames="neighbours")
def _relational(prepared: _Prepared, orders: Array, neighbours: int) -> dict[str, Array]:
    language, concept, _ = prepared.centred.shape
    kernel = _gram(prepared.centred)
    within = jnp.diagonal(prepared.shift).T  # (language, concept)
    cosine = _gram(prepared.deviation) + within[:, None, :] + within[:, :, None]
    relation = _gram(prepared.relation) + prepared.relation_shift[:, None, :] + prepared.relation_shift[:, :, None]
    off = 1 - jnp.eye(concept)
    spread = (relation - (relation * off).sum((1, 2), keepdims=True) / (concept * (concept - 1))) * off
    diagonal = jnp.diagonal(kernel, axis1=1, axis2=2)
    near = _nearest(cosine, neighbours)
    best = _mutual_best(prepared.deviation, prepared.shift)

    def measures(order: Array) -> dict[str, Array]:
        # Position c pairs row order[i, c] of language i with row order[j, c] of language j.
        def inner(matrix: Array) -> Array:
            # Whole rows, twice: a gather of single cells is a loop over cells on CPU. The matrices are symmetric.
            moved = jax.vmap(lambda cells, p: cells[p].T[p])(matrix, order)
            shuffled = moved.reshape(language, -1)
            return jnp.matmul(shuffled, shuffled.T, precision=_EXACT)

        own = jax.vmap(jnp.take)(diagonal, order)
        sums = jax.vmap(jnp.take)(kernel.sum(-1) - diagonal, order)
        whole = inner(kernel)
        unbiased = whole - own @ own.T - 2 / (concept - 2) * jnp.matmul(sums, sums.T, precision=_EXACT)
        unbiased += jnp.outer(sums.sum(-1), sums.sum(-1)) / ((concept - 1) * (concept - 2))
        hit = jnp.take_along_axis(best, jnp.broadcast_to(order[:, None], best.shape), axis=2) == order[None]
        return {
            "CKA": _correlate(whole),
            "CKA_unbiased": _correlate(unbiased),
            "RSIM": _correlate(inner(spread)),
            "mutual_kNN": _common(near, order) / (concept * neighbours),
            "MEXA": jnp.mean(hit, axis=-1),
        }

    return jax.lax.map(measures, orders)


def _gram(rows: Array) -> Array:
    # By parts on a TPU, whose compiler takes 34 s for the whole program with products of highest precision, 14 s so.
    return matmul(rows, rows.swapaxes(1, 2))


def _correlate(inner: Array) -> Array:
    length = jnp.sqrt(jnp.maximum(jnp.diagonal(inner), 1e-30))
    return inner / (length[:, None] * length[None, :])


def _nearest(similarity: Array, count: int) -> Array:
    """(language, concept, count): the rows most similar to each row, without itself."""
    itself = jnp.eye(similarity.shape[1], dtype=bool)
    return jax.lax.top_k(jnp.where(itself, -jnp.inf, similarity), count)[1]


def _common(near: Array, order: Array) -> Array:
    """(language, language): neighbours that two languages share, summed over concepts."""
    place = jnp.argsort(order, axis=1)
    moved = jax.vmap(lambda index, p, q: q[index[p]])(near, order, place)  # (language, concept, count), as positions

    def pair(one: Array, other: Array) -> Array:
        return jnp.sum(one[:, :, None] == other[:, None, :])

    return jax.lax.map(lambda one: jax.lax.map(lambda other: pair(one, other), moved), moved)


def _mutual_best(deviation: Array, shift: Array) -> Array:
    """(source, target, concept): the target row strictly closest both ways, or -1."""

    def row_best(source: Array, target: Array, target_shift: Array) -> Array:
        similarity = matmul(source, target.T) + target_shift
        strictly = jnp.sum(similarity >= similarity.max(axis=1, keepdims=True), axis=1) == 1
        return jnp.where(strictly, similarity.argmax(axis=1), -1)

    def targets(source: tuple[Array, Array]) -> Array:
        rows, shifts = source
        return jax.lax.map(lambda target: row_best(rows, *target), (deviation, shifts))

    best = jax.lax.map(targets, (deviation, shift))
    returned = jnp.take_along_axis(best.transpose(1, 0, 2), jnp.maximum(best, 0), axis=2)
    return jnp.where((best >= 0) & (returned == jnp.arange(deviation.shape[1])), best, -1)
