"""The fitted map of one pair of languages as arrays, so that it can be kept and applied to other vectors.

Ranks need no such arrays (`reduced`): here is the same map written out. In the space of the target language

    source:  (s - o) L R' + e        target:  (t - e) R R' + e

where s and t are normalised rows, L and R have one column per direction that the seed dictionary determines, and o and
e are the origins of a map with a translation. Cosines of the two sides are those that the run ranks by.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxalign.alignment import least_squares, procrustes, reduced
from jaxalign.alignment.normalize import normalized, rescale_to_float32
from jaxalign.alignment.polar import polar
from jaxalign.alignment.procrustes import MapOptions
from jaxalign.alignment.products import matmul


@dataclass(frozen=True)
class Normalization:
    """Steps that were fitted on a space: its means, and the power of two that it was multiplied by."""

    steps: tuple[str, ...]
    means: tuple[Float[np.ndarray, " feature"], ...]  # one for each `center`
    scale: float = 1.0

    def apply(self, vectors: Float[np.ndarray, "row feature"]) -> Float[np.ndarray, "row feature"]:
        """Other vectors of the same space after the same steps, float64."""
        rows, means = np.asarray(vectors, np.float64) * self.scale, iter(self.means)
        for step in self.steps:
            rows = _unit(rows) if step == "unit" else rows - next(means)
        return rows


@dataclass(frozen=True)
class PairMap:
    """The map from one language to another; `right` is None where the map reaches every direction of the target."""

    source: Normalization
    target: Normalization
    left: Float[np.ndarray, "feature rank"]
    right: Float[np.ndarray, "feature rank"] | None
    is_orthogonal: bool  # whether the transpose leads back
    origin: Float[np.ndarray, " feature"] | None = None  # o and e, with a translation
    end: Float[np.ndarray, " feature"] | None = None

    def of_source(self, vectors: Float[np.ndarray, "row feature"]) -> Float[np.ndarray, "row feature"]:
        """Vectors of the source language in the target's space."""
        rows = self.source.apply(vectors) - (0 if self.origin is None else self.origin)
        mapped = rows @ self.left if self.right is None else (rows @ self.left) @ self.right.T
        return mapped + (0 if self.end is None else self.end)

    def of_target(self, vectors: Float[np.ndarray, "row feature"]) -> Float[np.ndarray, "row feature"]:
        """Vectors of the target language, without the directions that the map does not reach."""
        end = 0 if self.end is None else self.end
        rows = self.target.apply(vectors) - end
        return (rows if self.right is None else (rows @ self.right) @ self.right.T) + end

    def reversed(self) -> "PairMap":
        """The map in the other direction, of an orthogonal map without a translation."""
        if not self.is_orthogonal:
            raise ValueError("a map that is not orthogonal has no transpose that leads back")
        left, right = (self.left.T, None) if self.right is None else (self.right, self.left)
        return PairMap(self.target, self.source, left, right, is_orthogonal=True)


def normalization(vectors: Float[np.ndarray, "concept feature"], steps: Sequence[str]) -> Normalization:
    """The steps as they are fitted on the rows of a space."""
    rows = np.asarray(rescale_to_float32(vectors, steps), np.float64)
    largest, scale = np.abs(vectors).max(), 1.0
    if tuple(steps[:1]) != ("unit",) and largest > 0:
        scale = float(np.abs(rows).max() / np.float64(largest))
    means = []
    for step in steps:
        if step == "center":
            means.append(rows.mean(0))
        rows = _unit(rows) if step == "unit" else rows - means[-1]
    return Normalization(tuple(steps), tuple(means), scale)


def fit(
    source: Float[np.ndarray, "concept feature"],
    target: Float[np.ndarray, "concept feature"],
    seed: Sequence[int] | np.ndarray,
    steps: tuple[str, ...],
    options: MapOptions,
) -> PairMap:
    """The map of the seed rows of two spaces, which it normalises by `steps`; as the evaluation fits it."""
    one, other = normalization(source, steps), normalization(target, steps)
    seeds, images = (normalized(np.asarray(rows), steps)[np.asarray(seed)] for rows in (source, target))
    origin = end = None
    if options.translate:
        origin, end = seeds.mean(0), images.mean(0)
        seeds, images = seeds - origin, images - end
    offsets = dict(origin=_array(origin), end=_array(end))
    if options.map != "orthogonal":
        fit_map = least_squares.fit if jax.default_backend() == "cpu" else least_squares.fit_on_host
        turn = np.asarray(fit_map(seeds, images, least_squares.ridge_of(options)))
        return PairMap(one, other, turn, None, is_orthogonal=False, **offsets)
    left, right = _bases(seeds, images, options)
    factor = 1.0
    if options.scale and options.is_directed:  # without a shift no cosine depends on it
        turned = matmul(matmul(seeds, left), right.T)
        factor = float((turned * images).sum() / (seeds**2).sum())
    if options.completion == "identity":
        whole = procrustes.identity_map(jnp.eye(len(left), dtype=left.dtype), left, right, options.method)
        return PairMap(one, other, factor * np.asarray(whole), None, not options.is_directed, **offsets)
    kept = np.asarray((left**2).sum(0) + (right**2).sum(0)) > 0
    inner, outer = factor * np.asarray(left)[:, kept], np.asarray(right)[:, kept]
    return PairMap(one, other, inner, outer, not options.is_directed, **offsets)


def _bases(
    seeds: Float[Array, "seed feature"], images: Float[Array, "seed feature"], options: MapOptions
) -> tuple[Float[Array, "feature rank"], Float[Array, "feature rank"]]:
    """U and V of the whole feature space; from bases of the seed rows where that is what the evaluation does."""
    bases = None
    if reduced.is_thin(seeds.shape[0], seeds.shape[1], options) and not options.is_directed:
        if options.method == "polar":
            bases = [polar(rows.T, procrustes.rank_tolerance(*rows.shape)) for rows in (seeds, images)]
        else:
            bases = [jnp.linalg.qr(rows.T)[0] for rows in (seeds, images)]
        seeds, images = matmul(seeds, bases[0]), matmul(images, bases[1])
    tolerance = procrustes.rank_tolerance(*seeds.shape)
    left, right, _ = procrustes.fit(seeds, images, options.method, options.completion, tolerance)
    return (left, right) if bases is None else (matmul(bases[0], left), matmul(bases[1], right))


def _array(values: Array | None) -> np.ndarray | None:
    return None if values is None else np.asarray(values)


def _unit(rows: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(length > 0, length, 1)
