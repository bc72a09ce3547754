"""Numbers at the edges: huge, tiny, subnormal, half precision, NaN; every product of the rank path in full float32."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest

from jaxalign import models
from jaxalign.alignment.normalize import is_constant, rescale_to_float32
from jaxalign.config import Config
from jaxalign.embeddings import embed
from jaxalign.evaluation import pairs
from jaxalign.runtime import devices
from jaxalign.types import InputError
from tests import conftest, tiny

SEED, TEST = np.arange(80), np.arange(80, 160)
NAMES = "en", "fr"


def planted(noise: float = 0.05) -> dict[str, np.ndarray]:
    return conftest.planted(0, 160, 12, NAMES, noise)


def precision(spaces: dict[str, np.ndarray], **options) -> float:
    found = pairs.rank(spaces, seed=SEED, test=TEST, settings=("after",), **options)["after"]
    return float((found[[0, 1], [1, 0]] == 1).mean())


@pytest.mark.parametrize("steps", [("unit", "center", "unit"), ("center", "unit"), ()])
@pytest.mark.parametrize("scale", [1e-40, 1e-30, 1e5, 1e30, 1e37])
@pytest.mark.parametrize("retrieval", ["csls", "nn"])
def test_the_size_of_the_numbers_changes_nothing(scale, steps, retrieval):
    """1e-40 is subnormal: 16 bits are left of it. Squares of 1e30 are beyond float32."""
    spaces = planted()
    scaled = spaces | {"en": (spaces["en"].astype(np.float64) * scale).astype(np.float32)}
    options = dict(seed=SEED, test=TEST, settings=("before", "after"), normalize=steps, retrieval=retrieval)
    usual, found = pairs.rank(spaces, **options), pairs.rank(scaled, **options)
    assert (usual["after"][0, 1] == 1).mean() > 0.98
    for setting in usual:
        assert (usual[setting] == found[setting]).mean() > 0.98


def test_a_power_of_two_changes_no_bit():
    spaces = planted()
    scaled = {name: np.ldexp(rows, 100) for name, rows in spaces.items()}
    for name, rows in scaled.items():
        rescaled = rescale_to_float32(rows, ("unit",))
        np.testing.assert_array_equal(np.sign(rescaled), np.sign(spaces[name]))
        np.testing.assert_array_equal(np.frexp(rescaled)[0], np.frexp(spaces[name])[0])
        assert rescale_to_float32(spaces[name], ("unit",)) is spaces[name]


def test_rows_of_very_different_sizes_all_count():
    spaces = planted()
    sizes = 10.0 ** np.random.default_rng(1).uniform(-36, 36, (160, 1))
    assert precision(spaces | {"en": (spaces["en"] * sizes).astype(np.float32)}) > 0.98


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_the_door_names_language_and_row(bad):
    spaces = planted()
    spaces["fr"][37, 5] = bad
    with pytest.raises(InputError, match="NaN or infinity in fr, row 37.*--dtype"):
        precision(spaces)
    assert not is_constant(spaces["fr"], ())


def test_one_direction_is_a_constant_space():
    rays = np.outer(np.arange(1, 50), [1.0, 2.0, 3.0]).astype(np.float32)
    assert is_constant(rays, ("unit", "center", "unit")) and is_constant(rays, ())
    assert not is_constant(rays, ("center", "unit"))  # what is left is the sign
    assert is_constant(np.full((9, 3), 1e-41, np.float32), ("center",))
    assert not is_constant(np.eye(3, dtype=np.float32), ("unit",))


def test_debug_nans_is_off_unless_asked_for():
    import jax

    assert Config().debug_nans is False
    devices.prepare(Config(compilation_cache=False))
    assert jax.config.jax_debug_nans is False


def test_half_precision_gives_figures_near_float32():
    words = [f"{word}{row}" for row in range(8) for word in tiny.WORDS["en"]]
    full, half = (
        embed.embed(models.load_model("demo", dtype=dtype), words, pooling="mean", layers="last")[0]
        for dtype in ("float32", "bfloat16")
    )
    assert half.dtype == np.float32 and np.isfinite(half).all()
    cosine = (full * half).sum(1) / np.linalg.norm(full, axis=1) / np.linalg.norm(half, axis=1)
    assert 0.99 < cosine.min() and np.abs(full - half).max() > 1e-3  # bfloat16 was used
    width = full.shape[1]
    turned = full @ np.linalg.qr(np.random.default_rng(0).standard_normal((width, width)))[0]
    whole, rough = (
        pairs.rank({"en": rows, "fr": turned}, seed=np.arange(40), test=np.arange(40, 80), settings=("after",))[
            "after"
        ][0, 1]
        for rows in (full, half)
    )
    assert (whole == 1).mean() > 0.9 and abs((whole == 1).mean() - (rough == 1).mean()) < 0.1


PRODUCTS = """
import sys
import numpy as np
from jaxalign.alignment import generalized as generalised
from jaxalign.evaluation import pairs as evaluate
rng = np.random.default_rng(0)
spaces = {name: rng.standard_normal((90, 8)) for name in ("en", "fr", "ro")}
options = dict(seed=np.arange(40), test=np.arange(40, 90))
kinds = (dict(), dict(retrieval="nn", completion="identity", procrustes="polar"), dict(map="ridge"),
         dict(map="least_squares", retrieval="isf"), dict(translate=True, scale=True),
         dict(seed_sizes=(4,), completion="arbitrary", candidates="test"))
for more in kinds[: int(sys.argv[1])]:
    evaluate.rank(spaces, settings=("before", "after"), **options, **more)
generalised.rotations([rows[:40].astype(np.float32) for rows in spaces.values()])
"""


@pytest.mark.parametrize(("count", "kinds"), [(1, 6), (3, 2)])
def test_every_product_of_the_rank_path_is_in_full_float32(tmp_path, count, kinds):
    """What is compiled is read: no product of float32 may run as TF32 or bfloat16, with threads and on a mesh."""
    env = os.environ | {
        "JAX_DUMP_IR_TO": str(tmp_path), "JAX_DUMP_IR_MODES": "stablehlo",
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={count}",
    }  # fmt: skip
    subprocess.run([sys.executable, "-c", PRODUCTS, str(kinds)], env=env, check=True, timeout=240, capture_output=True)
    products = {}
    for path in tmp_path.rglob("*.mlir"):
        for line in path.read_text(errors="replace").splitlines():
            if "stablehlo.dot_general " in line and "xf64>" not in line:
                products.setdefault(line.strip(), path.name)
    assert len(products) > 10
    for line, name in products.items():
        assert re.search(r"precision = \[HIGHEST, HIGHEST\]", line), f"{name}: {line}"
