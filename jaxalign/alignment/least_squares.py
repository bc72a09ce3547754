"""Maps that have another inverse than their transpose: least squares, ridge, and a shift of the origin.

The similarity of such a pair serves one direction alone, so each ordered pair is fitted and multiplied for itself.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxalign.alignment import procrustes
from jaxalign.alignment.completion import matmul
from jaxalign.alignment.procrustes import unit_rows


@partial(jax.jit, static_argnames=("padded", "kind", "method", "completion", "ridge", "scale", "translate"))
def fit(
    source: Float[Array, "concept feature"],
    target: Float[Array, "concept feature"],
    rows: Int[Array, " seed"],
    rows_target: Int[Array, " seed"],
    pool: Int[Array, " row"],
    padded: int,
    kind: str,
    method: str,
    completion: procrustes.Completion,
    ridge: float,
    scale: bool,
    translate: bool,
) -> tuple[Float[Array, "padded feature"], Float[Array, "padded feature"]]:
    """(mapped pool of the source, pool of the target) as unit rows, padded with zeros.

    With `translate` the map is fitted on seeds less their means and leads from mean to mean; with `scale` a rotation
    is multiplied by tr(W' A' B) / |A|^2 (Schoenemann and Carroll 1970), which the cosine sees only beside a shift.
    """
    seeds, images = source[rows], target[rows_target]
    origin = seeds.mean(0) if translate else jnp.zeros_like(seeds[0])
    end = images.mean(0) if translate else jnp.zeros_like(origin)
    seeds, images, goals = seeds - origin, images - end, target[pool] - end
    if kind == "orthogonal":
        turn = procrustes.rotation(seeds, images, method=method, completion=completion)
        factor = (matmul(seeds, turn) * images).sum() / (seeds**2).sum() if scale else 1.0
        reached = matmul(matmul(goals, turn.T), turn) if completion == "drop" else goals
    else:
        turn, factor, reached = procrustes.least_squares(seeds, images, ridge if kind == "ridge" else 0.0), 1.0, goals
    mapped = factor * matmul(source[pool] - origin, turn) + end
    below = ((0, padded - len(pool)), (0, 0))
    return jnp.pad(unit_rows(mapped), below), jnp.pad(unit_rows(reached + end), below)
