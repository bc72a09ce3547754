"""Maps that have another inverse than their transpose: least squares, ridge, and a shift of the origin.

The similarity of such a pair serves one direction only, so each ordered pair is fitted and multiplied by itself. On an
accelerator the maps of least squares and ridge are fitted on the host (`fit_on_host`): products cannot replace their
decomposition, since normal equations square the condition of the seeds, which float32 does not hold.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg
from jaxtyping import Array, Float, Int

from jaxalign.alignment import procrustes
from jaxalign.alignment.normalize import unit_rows
from jaxalign.alignment.procrustes import MapOptions
from jaxalign.alignment.products import matmul
from jaxalign.alignment.reduced import AlignedPair, SeedPairs

RIDGE = 0.1  # times the mean squared feature of the seeds


def align(
    source: Float[Array, "concept feature"],
    target: Float[Array, "concept feature"],
    seed_rows: SeedPairs,
    candidates: Int[Array | np.ndarray, " row"],
    padded: int,
    options: MapOptions,
) -> AlignedPair:
    """Candidates of the mapped source and of the target as unit rows, padded with zeros to `padded` rows.

    With `translate` the map is fitted on seeds less their means and leads from mean to mean; with `scale` a rotation
    is multiplied by tr(W' A' B) / |A|^2 (Schoenemann and Carroll 1970), which changes a cosine only together with a
    shift.
    """
    turn = None
    if options.map != "orthogonal" and jax.default_backend() != "cpu":
        centred = _centred(source, target, seed_rows, options.translate)
        turn = fit_on_host(centred.seeds, centred.images, ridge_of(options))
    return _align(source, target, seed_rows, candidates, turn, padded, options)


class Centred(NamedTuple):
    """Paired seeds less their means, which are zero without a translation, and the means."""

    seeds: Float[Array, "seed feature"]
    images: Float[Array, "seed feature"]
    origin: Float[Array, " feature"]
    end: Float[Array, " feature"]


@partial(jax.jit, static_argnames="translate")
def _centred(source: Array, target: Array, seed_rows: SeedPairs, translate: bool) -> Centred:
    seeds, images = source[seed_rows.first], target[seed_rows.second]
    origin = seeds.mean(0) if translate else jnp.zeros_like(seeds[0])
    end = images.mean(0) if translate else jnp.zeros_like(origin)
    return Centred(seeds - origin, images - end, origin, end)


@partial(jax.jit, static_argnames=("padded", "options"))
def _align(
    source: Array,
    target: Array,
    seed_rows: SeedPairs,
    candidates: Array | np.ndarray,
    turn: Array | np.ndarray | None,
    padded: int,
    options: MapOptions,
) -> AlignedPair:
    """`align`, with the map of least squares or ridge where it is fitted already."""
    seeds, images, origin, end = _centred(source, target, seed_rows, options.translate)
    goals = target[candidates] - end
    if options.map == "orthogonal":
        turn = procrustes.rotation(seeds, images, method=options.method, completion=options.completion)
        factor = (matmul(seeds, turn) * images).sum() / (seeds**2).sum() if options.scale else 1.0
        reached = matmul(matmul(goals, turn.T), turn) if options.completion == "drop" else goals
    else:
        turn = fit(seeds, images, ridge_of(options)) if turn is None else turn
        factor, reached = 1.0, goals
    mapped = factor * matmul(source[candidates] - origin, turn) + end
    below = ((0, padded - len(candidates)), (0, 0))
    return AlignedPair(jnp.pad(unit_rows(mapped), below), jnp.pad(unit_rows(reached + end), below))


def ridge_of(options: MapOptions) -> float:
    """The weight of the ridge of a map; 0 for least squares."""
    return RIDGE if options.map == "ridge" else 0.0


def fit(
    source: Float[Array, "seed feature"], target: Float[Array, "seed feature"], ridge: float = 0.0
) -> Float[Array, "feature feature"]:
    """argmin of |source W - target|^2 + ridge * m |W|^2, m the mean of diag(source' source); the shortest such W."""
    if not ridge:
        return jnp.linalg.lstsq(source, target)[0]
    gram = matmul(source.T, source)
    gram = gram + ridge * jnp.trace(gram) / len(gram) * jnp.eye(len(gram), dtype=gram.dtype)
    return jax.scipy.linalg.solve(gram, matmul(source.T, target), assume_a="pos")


def fit_on_host(
    source: Float[Array, "seed feature"], target: Float[Array, "seed feature"], ridge: float = 0.0
) -> Float[np.ndarray, "feature feature"]:
    """As `fit`, by LAPACK on the host's processor; values that float32 cannot tell from zero count as zero."""
    seeds, images = np.asarray(source), np.asarray(target)
    if not ridge:
        smallest = float(np.finfo(np.float32).eps) * max(seeds.shape)
        return np.linalg.lstsq(seeds, images, rcond=smallest)[0]
    gram = seeds.T @ seeds
    gram += ridge * np.trace(gram) / len(gram) * np.eye(len(gram), dtype=gram.dtype)
    return scipy.linalg.solve(gram, seeds.T @ images, assume_a="pos")
