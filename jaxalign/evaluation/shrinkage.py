"""The choice of lambda for shrunken Procrustes, by cross-validation inside the seed dictionary.

In each of FOLDS parts of the dictionary the seeds of the part are retrieved among each other with the map of all other
seeds. The lambda with the highest mean reciprocal rank over both directions and all parts is taken, but the better end
of the grid (the plain map or no map) where that is worse by no more than two standard errors of the difference over the
held-out seeds, and no map likewise (the rule of Breiman et al. 1984, for the ends alone: few held-out seeds find a map
that fits them by chance, all the more as the best of several is taken, and a part's map has fewer seeds than the whole
dictionary's, so that it asks for more shrinkage). No test row is used.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from jaxalign.alignment import procrustes, shrunken
from jaxalign.alignment.normalize import unit_rows
from jaxalign.alignment.products import matmul
from jaxalign.alignment.shrunken import Shrinking
from jaxalign.retrieval.csls import sum_of_best

FOLDS = 4
LEAST_SEEDS = 4 * FOLDS
# By which a lambda between the ends has to be ahead. With one, Qwen2.5-Coder 0.5B (layer 12, 50 seeds) lost a point.
STANDARD_ERRORS = 2.0


class Choice(NamedTuple):
    """The lambda of a pair, and the mean reciprocal rank of held-out seeds at every lambda of the grid."""

    shrinkage: float
    curve: Float[np.ndarray, " lambda"]


class Search(NamedTuple):
    """What the choice depends on; static, one compiled function each."""

    how: Shrinking
    grid: tuple[float, ...] = shrunken.GRID
    neighbours: int = 10  # of CSLS in the retrieval of held-out seeds; 0: nearest neighbour


def choose(
    seeds: Float[Array, "seed feature"], images: Float[Array, "seed feature"], search: Search, rng_seed: int = 0
) -> Choice:
    """The lambda of a pair of languages, from its paired seed rows.

    With fewer than LEAST_SEEDS seeds nothing can be held out, and the largest lambda is taken.
    """
    count = len(seeds)
    if count < LEAST_SEEDS:
        return Choice(search.grid[-1], np.full(len(search.grid), np.nan))
    order, size = np.random.default_rng([rng_seed, count]).permutation(count), count // FOLDS
    held = order[: size * FOLDS].reshape(FOLDS, size)
    rest = np.stack([np.setdiff1d(order, fold) for fold in held])
    gains = np.asarray(_gains(seeds, images, rest, held, search), np.float64)
    curve = gains.mean(axis=1)
    best = int(np.flatnonzero(curve == np.max(curve))[-1])
    ends = [place for place, value in enumerate(search.grid) if value == 0 or np.isinf(value)]
    if ends:
        end = max(ends, key=lambda place: (curve[place], place))
        best = end if _is_near(gains[best], gains[end]) else best
    if np.isinf(search.grid[-1]) and _is_near(gains[best], gains[-1]):
        best = len(search.grid) - 1
    return Choice(search.grid[best], curve)


def _is_near(best: Float[np.ndarray, " seed"], other: Float[np.ndarray, " seed"]) -> bool:
    """Whether the mean difference over held-out seeds is at most STANDARD_ERRORS."""
    behind = best - other
    return bool(behind.mean() <= STANDARD_ERRORS * behind.std() / len(behind) ** 0.5)


@partial(jax.jit, static_argnames="search")
def _gains(seeds: Array, images: Array, rest: Array, held: Array, search: Search) -> Float[Array, "lambda seed"]:
    """The reciprocal rank of each held-out seed at every lambda of the grid."""
    how, grid = search.how, search.grid
    first, second, _ = shrunken.in_basis(seeds, images, how.method)
    plain = grid[0] == 0 and how.completion == "drop"
    finite = jnp.asarray([value or shrunken.LIMIT for value in grid[plain:] if np.isfinite(value)], seeds.dtype)

    def of_fold(fold: tuple[Array, Array]) -> Array:
        fitted, asked = fold
        source, target = first[fitted], second[fitted]
        product = matmul(source.T, target)
        largest = shrunken.largest_value(product, how.method)
        one, other = first[asked], second[asked]

        def of_shrinkage(value: Array) -> Array:
            turn = shrunken.shrunken_turn(product, value, largest, how.method)
            return _reciprocal_rank(matmul(one, turn), other, search.neighbours)

        scores = [lax.map(of_shrinkage, finite)]
        if plain:
            tolerance = procrustes.rank_tolerance(*source.shape)
            left, right, _ = procrustes.fit(source, target, how.method, how.completion, tolerance)
            score = _reciprocal_rank(matmul(one, left), matmul(other, right), search.neighbours)
            scores.insert(0, score[None])
        if np.isinf(grid[-1]):
            scores.append(_reciprocal_rank(one, other, search.neighbours)[None])
        return jnp.concatenate(scores)

    return lax.map(of_fold, (rest, held)).swapaxes(0, 1).reshape(len(grid), -1)


def _reciprocal_rank(source: Array, target: Array, neighbours: int) -> Float[Array, " seed"]:
    """Of paired rows among each other, mean over both directions, ties in their mean place."""
    cells = matmul(unit_rows(source), unit_rows(target).T)
    right, others = jnp.diagonal(cells), ~jnp.eye(len(cells), dtype=bool)  # not with itself: it may be rounded twice

    def of_rows(cells: Array) -> Array:
        scores, limit = cells, right
        if neighbours:
            k = min(neighbours, len(cells) // 2)
            penalty = sum_of_best(cells.T, k) / k / 2
            scores, limit = cells - penalty, right - penalty
        above, equal = scores > limit[:, None], scores == limit[:, None]
        higher, same = (above & others).sum(1), (equal & others).sum(1)
        return 1 / (1 + higher + same / 2)

    return (of_rows(cells) + of_rows(cells.T)) / 2
