"""Products by bfloat16 parts against float64, and what each platform is given."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxalign.alignment import polar, products


def of_any_size(*shape, seed=0):
    """Numbers of both signs over eight powers of ten."""
    rng = np.random.default_rng(seed)
    return (rng.standard_normal(shape) * 10 ** rng.uniform(-4, 4, shape)).astype(np.float32)


def test_the_parts_hold_every_bit():
    values = of_any_size(40, 50)
    held = np.asarray(products.parts(jnp.asarray(values)).astype(jnp.float32), np.float64)
    assert (held.sum(0) == values).all()


@pytest.mark.parametrize("shapes", [((1, 1), (1, 1)), ((7, 300), (300, 5)), ((3, 20, 64), (3, 64, 10)),
                                    ((4, 9), (2, 9, 3))])  # fmt: skip
def test_no_less_exact_than_float32(shapes):
    left, right = (of_any_size(*shape, seed=place) for place, shape in enumerate(shapes))
    wanted = left.astype(float) @ right.astype(float)
    size = np.abs(left).astype(float) @ np.abs(right).astype(float)  # the rounding of any sum is relative to this
    found = np.asarray(products.by_bfloat16_parts(jnp.asarray(left), jnp.asarray(right)))
    plain = np.asarray(products.matmul(jnp.asarray(left), jnp.asarray(right)))
    assert found.shape == wanted.shape
    bound = 2.0**-24 * (4 + 2 * left.shape[-1] ** 0.5)
    assert (np.abs(found - wanted) / size).max() <= bound
    assert (np.abs(plain - wanted) / size).max() <= bound


def test_one_bfloat16_product_is_told_apart():
    """The bound above would find a product in a narrower format."""
    left, right = of_any_size(30, 64), of_any_size(64, 30, seed=1)
    narrow = np.asarray(jnp.matmul(*(jnp.asarray(part, jnp.bfloat16) for part in (left, right))), np.float64)
    size = np.abs(left).astype(float) @ np.abs(right).astype(float)
    assert (np.abs(narrow - left.astype(float) @ right) / size).max() > 100 * 2.0**-24 * (4 + 2 * 8)


@pytest.mark.parametrize("rank", [40, 60])
def test_the_polar_factor_by_parts_equals_that_of_float32(monkeypatch, rank):
    rng = np.random.default_rng(rank)
    left, right = (np.linalg.qr(rng.standard_normal((60, 60)))[0] for _ in range(2))
    values = np.where(np.arange(60) < rank, np.geomspace(1, 1e-3, 60), 0)
    matrix = jnp.asarray(left * values @ right, jnp.float32)
    monkeypatch.setattr(polar, "matmul", products.by_bfloat16_parts)
    found = np.asarray(polar.polar(matrix, 3e-6))
    assert np.abs(found - left[:, :rank] @ right[:rank]).max() < 3e-4


def test_each_platform_has_products_of_its_own():
    def text(platform):
        one = jnp.ones((16, 16))
        return jax.jit(products.matmul).trace(one, one).lower(lowering_platforms=(platform,)).as_text()

    tpu, cpu, gpu = text("tpu"), text("cpu"), text("cuda")
    assert re.findall(r"dot_general.*tensor<16x16x(\w+)>,.*->", tpu) == ["bf16"]  # one place, six times
    for plain in (cpu, gpu):
        assert "HIGHEST" in plain and "xbf16" not in plain and "stablehlo.while" not in plain
    compiled = jax.jit(products.matmul).lower(jnp.ones((16, 16)), jnp.ones((16, 16))).compile().as_text()
    assert compiled.count(" dot(") == 1 and "conditional" not in compiled  # on the CPU of the tests
