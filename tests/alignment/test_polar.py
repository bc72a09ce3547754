"""The polar factor by products: against an SVD in float64, at every size, rank and near the tolerance."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxalign.alignment import polar, procrustes
from jaxalign.alignment.procrustes import MapOptions
from jaxalign.alignment.reduced import SeedPairs, align, candidate_rows, reduce
from jaxalign.evaluation import pairs
from tests.conftest import planted


def of_values(values, seed=0, rows=None):
    """(matrix with these singular values, its U, its V'), float64."""
    rng, size = np.random.default_rng(seed), len(values)
    left = np.linalg.qr(rng.standard_normal((rows or size, size)))[0]
    right = np.linalg.qr(rng.standard_normal((size, size)))[0]
    return left * values @ right, left, right


@pytest.mark.parametrize("tolerance", [9.6e-7, 3e-6, 7.6e-6, 1e-4])
def test_the_schedule_takes_values_to_zero_or_one(tolerance):
    scale, coefficients = polar.schedule(tolerance)
    assert 0.3 < scale <= 1
    values = np.geomspace(tolerance / 100, 1, 20_000)
    ends = np.array([polar.composed(scale * value, coefficients) for value in values])
    for _ in range(polar.DECISIONS):
        ends = 35 / 8 * ends**3 - 21 / 4 * ends**5 + 15 / 8 * ends**7
    assert ends[values < 0.75 * tolerance].max() < 2e-3
    assert np.abs(ends[values > 1.3 * tolerance] - 1).max() < 1e-4


@pytest.mark.parametrize("size", [1, 2, 33, 300])
@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_full_rank_equals_an_svd(size, scale):
    values = np.geomspace(1e-3, 1, size) * scale
    matrix, left, right = of_values(values, size)
    found = np.asarray(polar.polar(jnp.asarray(matrix, jnp.float32), 3e-6))
    assert np.abs(found - left @ right).max() < 1e-5
    assert np.abs(found.T @ found - np.eye(size)).max() < 3e-6


@pytest.mark.parametrize("rows", [60, 200])
@pytest.mark.parametrize("rank", [0, 1, 7, 59, 60])
def test_low_rank_gives_a_partial_isometry(rows, rank):
    values = np.where(np.arange(60) < rank, np.geomspace(1, 1e-2, 60), 0)
    matrix, left, right = of_values(values, rank, rows)
    found = np.asarray(polar.polar(jnp.asarray(matrix, jnp.float32), 3e-6))
    assert np.abs(found - left[:, :rank] @ right[:rank]).max() < 3e-6
    assert abs(np.sum(found**2) - rank) < 1e-3


@pytest.mark.slow
def test_no_draw_grows_without_bound_or_loses_digits():
    """Steps made for the exact interval let a value near its end grow to NaN in 1 of 200 of these, or lose 3 digits."""
    draw = np.random.default_rng(0)
    thin = [draw.standard_normal((300, 50)) for _ in range(180)]
    low = [draw.standard_normal((64, 10)) @ draw.standard_normal((10, 64)) for _ in range(60)]
    of_one = jax.jit(polar.polar, static_argnames="tolerance")
    for matrix, rank in [(each, 50) for each in thin] + [(each, 10) for each in low]:
        left, _, right = np.linalg.svd(matrix.astype(np.float32).astype(float), full_matrices=False)
        found = np.asarray(of_one(jnp.asarray(matrix, jnp.float32), tolerance=2.1e-6))
        assert np.abs(found - left[:, :rank] @ right[:rank]).max() < 3e-6


def test_values_near_the_tolerance_fall_on_their_side():
    """1.5 of the tolerance is kept, 0.6 of it is dropped; float32 rounding of the matrix is a hundredth of it."""
    tolerance = 3e-5
    values = np.concatenate(
        [np.linspace(0.2, 1, 40), [1.5 * tolerance, 2 * tolerance, 0.6 * tolerance, 0.1 * tolerance]]
    )
    matrix, left, right = of_values(values)
    found = np.asarray(polar.polar(jnp.asarray(matrix, jnp.float32), tolerance), np.float64)
    kept = np.diag(left.T @ found @ right.T)
    assert np.abs(kept[:42] - 1).max() < 2e-2 and np.abs(kept[42:]).max() < 2e-2


@pytest.mark.parametrize("size", [3, 64, 500])
def test_the_bound_of_the_largest_value_is_tight(size):
    matrix = np.random.default_rng(size).standard_normal((size, size)).astype(np.float32)
    largest = np.linalg.svd(matrix.astype(float), compute_uv=False)[0]
    for scale in (1e-15, 1, 1e15):
        bound = float(polar.largest_value_bound(jnp.asarray(matrix * np.float32(scale)))) / scale
        assert 0.9999 * largest < bound < 1.11 * largest


@pytest.mark.parametrize("completion", ["drop", "identity"])
@pytest.mark.parametrize("seeds", [1, 20, 45, 63, 64, 140])
def test_ranks_by_products_are_those_of_the_decomposition(completion, seeds):
    """Fewer seeds than dimensions (thin and not), centred seeds, full rank."""
    spaces = planted(seeds, 300, 64)
    options = dict(seed=np.arange(seeds), test=np.arange(150, 300), settings=("after", "null"), completion=completion)
    exact, found = (pairs.rank(spaces, procrustes=method, **options) for method in ("svd", "polar"))
    for setting in ("after", "null"):
        off = ~np.eye(3, dtype=bool)
        same = exact[setting][off] == found[setting][off]
        assert same.mean() > 0.99 or seeds == 1  # one dimension: every similarity is 1 or -1
        assert np.abs(exact[setting][off] - found[setting][off]).max() <= 2 or seeds == 1


def test_ranks_of_low_rank_spaces_are_those_of_the_decomposition():
    spaces = planted(3, 400, 20)
    wide = np.random.default_rng(0).standard_normal((20, 64))
    spaces = {name: (rows @ wide).astype(np.float32) for name, rows in spaces.items()}
    options = dict(seed=np.arange(200), test=np.arange(200, 400), settings=("after",))
    exact, found = (pairs.rank(spaces, procrustes=method, **options)["after"] for method in ("svd", "polar"))
    assert (exact == found).mean() > 0.99 and np.abs(exact - found).max() <= 2


DECOMPOSITIONS = {"svd", "eigh", "eig", "qr", "geqrf", "householder_product", "lu", "cholesky", "schur", "custom_call"}


def primitives(jaxpr) -> set[str]:
    """Names of all primitives of a program, those inside loops and branches too."""
    names = set()
    for equation in jaxpr.eqns:
        names.add(equation.primitive.name)
        for value in jax.tree.leaves(
            equation.params, is_leaf=lambda leaf: hasattr(leaf, "eqns") or hasattr(leaf, "jaxpr")
        ):
            inner = getattr(value, "jaxpr", value)
            if hasattr(inner, "eqns"):
                names |= primitives(inner)
    return names


@pytest.mark.parametrize("completion", ["drop", "identity", "arbitrary"])
@pytest.mark.parametrize("seeds", [40, 100])
def test_no_decomposition_stands_in_a_program_by_products(completion, seeds):
    options = MapOptions("polar", procrustes.possible_completion("polar", completion))
    vectors, rows = jnp.ones((200, 64)), jnp.arange(seeds)

    def program(first, second, rows):
        spaces = (reduce(v, candidate_rows(v, jnp.arange(200), 208), rows, options) for v in (first, second))
        return align(*spaces, SeedPairs(rows, rows), options)

    found = primitives(jax.make_jaxpr(program)(vectors, vectors, rows).jaxpr)
    found |= primitives(
        jax.make_jaxpr(lambda a, b: procrustes.rotation(a, b, "polar", completion))(vectors, vectors).jaxpr
    )
    assert "dot_general" in found and not found & DECOMPOSITIONS
    exact = jax.make_jaxpr(lambda a, b: procrustes.rotation(a, b, "svd", "drop"))(vectors, vectors)
    assert "svd" in primitives(exact.jaxpr)  # or the search would find nothing
