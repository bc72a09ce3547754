"""Maps that have another inverse than their transpose: least squares, ridge, and a shift of the origin.

The similarity of such a pair serves one direction only, so each ordered pair is fitted and multiplied by itself.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxalign.alignment import procrustes
from jaxalign.alignment.normalize import unit_rows
from jaxalign.alignment.procrustes import MapOptions
from jaxalign.alignment.products import matmul
from jaxalign.alignment.reduced import AlignedPair, SeedPairs

RIDGE = 0.1  # times the mean squared feature of the seeds


@partial(jax.jit, static_argnames=("padded", "options"))
def align(
    source: Float[Array, "concept feature"],
    target: Float[Array, "concept feature"],
    seed_rows: SeedPairs,
    candidates: Int[Array, " row"],
    padded: int,
    options: MapOptions,
) -> AlignedPair:
    """Candidates of the mapped source and of the target as unit rows, padded with zeros to `padded` rows.

    With `translate` the map is fitted on seeds less their means and leads from mean to mean; with `scale` a rotation
    is multiplied by tr(W' A' B) / |A|^2 (Schoenemann and Carroll 1970), which changes a cosine only together with a
    shift.
    """
    seeds, images = source[seed_rows.first], target[seed_rows.second]
    origin = seeds.mean(0) if options.translate else jnp.zeros_like(seeds[0])
    end = images.mean(0) if options.translate else jnp.zeros_like(origin)
    seeds, images, goals = seeds - origin, images - end, target[candidates] - end
    if options.map == "orthogonal":
        turn = procrustes.rotation(seeds, images, method=options.method, completion=options.completion)
        factor = (matmul(seeds, turn) * images).sum() / (seeds**2).sum() if options.scale else 1.0
        reached = matmul(matmul(goals, turn.T), turn) if options.completion == "drop" else goals
    else:
        turn = fit(seeds, images, RIDGE if options.map == "ridge" else 0.0)
        factor, reached = 1.0, goals
    mapped = factor * matmul(source[candidates] - origin, turn) + end
    below = ((0, padded - len(candidates)), (0, 0))
    return AlignedPair(jnp.pad(unit_rows(mapped), below), jnp.pad(unit_rows(reached + end), below))


def fit(
    source: Float[Array, "seed feature"], target: Float[Array, "seed feature"], ridge: float = 0.0
) -> Float[Array, "feature feature"]:
    """argmin of |source W - target|^2 + ridge * m |W|^2, m the mean of diag(source' source); the shortest such W."""
    if not ridge:
        return jnp.linalg.lstsq(source, target)[0]
    gram = matmul(source.T, source)
    gram = gram + ridge * jnp.trace(gram) / len(gram) * jnp.eye(len(gram), dtype=gram.dtype)
    return jax.scipy.linalg.solve(gram, matmul(source.T, target), assume_a="pos")
