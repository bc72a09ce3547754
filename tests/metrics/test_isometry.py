"""Shapes of one space, and the rows of all measures."""

import numpy as np
import pytest

from jaxalign.metrics import isometry
from jaxalign.types import InputError, SpaceLabel
from tests import conftest

LABEL = SpaceLabel("demo", "vanilla", "last", 4)


def planted(noise, concepts=60, features=24, seed=0, offset=0.0):
    """(language, concept, feature): one latent space, with noise of each language's own level."""
    levels = np.array(noise)[:, None]
    names = [f"l{number}" for number in range(len(noise))]
    spaces = conftest.planted(seed, concepts, features, names, levels, (0.2, 2), offset, rotated=False)
    return np.stack(list(spaces.values()))


def cosines(x, y):
    return (x / np.linalg.norm(x, axis=1)[:, None]) @ (y / np.linalg.norm(y, axis=1)[:, None]).T


def test_p_values_of_unrelated_spaces_are_spread_and_of_like_ones_small():
    apart = np.random.default_rng(2).normal(size=(8, 60, 16)).astype(np.float32)
    rows = isometry.rows(LABEL, dict(zip("abcdefgh", apart, strict=True)), metrics=("RSIM",), null_draws=39)
    found = [row["value"] for row in rows if row["metric"] == "RSIM_p"]
    assert len(found) == 56 and 0.3 < np.mean(found) < 0.7 and min(found) < 0.3 and max(found) > 0.7
    like = isometry.rows(LABEL, dict(zip("ab", planted((0.0, 0.2)), strict=True)), metrics=("RSIM",), null_draws=39)
    assert [row["value"] for row in like if row["metric"] == "RSIM_p"] == [1 / 40] * 2


def test_effective_rank_and_anisotropy():
    rng = np.random.default_rng(0)
    flat = rng.normal(size=(400, 3)) @ np.linalg.qr(rng.normal(size=(24, 3)))[0].T
    vectors = np.stack([flat, planted((0.0,), 400, offset=1.0)[0]]).astype(np.float32)
    found = isometry.shapes(vectors)
    for place, space in enumerate(vectors.astype(np.float64)):
        share = np.linalg.svd(space - space.mean(0), compute_uv=False)
        share = share[share > 1e-4] / share.sum()
        assert found["effective_rank"][place] == pytest.approx(np.exp(-np.sum(share * np.log(share))), rel=1e-3)
        assert found["anisotropy"][place] == pytest.approx(
            cosines(space, space)[np.triu_indices(400, 1)].mean(), abs=1e-5
        )
    assert found["effective_rank"][0] == pytest.approx(3, abs=0.1) and found["anisotropy"][1] > 0.1


def test_more_features_than_concepts():
    wide = np.random.default_rng(3).normal(size=(1, 20, 50)).astype(np.float32)
    share = np.linalg.svd(wide[0] - wide[0].mean(0), compute_uv=False)[:-1]
    share /= share.sum()
    expected = np.exp(-np.sum(share * np.log(share)))
    assert isometry.shapes(wide)["effective_rank"][0] == pytest.approx(expected, rel=1e-3)


def test_one_massive_feature_leaves_the_rank_of_the_others():
    vectors = np.random.default_rng(0).standard_normal((1, 500, 768)).astype(np.float32)
    vectors[0, ::2, 138] += 3000
    share = np.linalg.svd(vectors[0].astype(np.float64) - vectors[0].astype(np.float64).mean(0), compute_uv=False)
    share = share[share > 1e-9 * share[0]] / share[share > 1e-9 * share[0]].sum()
    expected = np.exp(-np.sum(share * np.log(share)))
    assert isometry.shapes(vectors)["effective_rank"][0] == pytest.approx(expected, rel=1e-6)
    assert expected == pytest.approx(9.47, abs=0.01)


@pytest.mark.parametrize("scale", [1e20, 1e-20])
def test_no_measure_depends_on_the_scale(scale):
    spaces = dict(zip(("en", "fr"), planted((0.0, 0.5), offset=0.2), strict=True))
    metrics = (*isometry.DEFAULT, *isometry.DISTANCES)
    before = isometry.rows(LABEL, spaces, metrics=metrics, null_draws=2)
    scaled = {code: space * np.float32(scale) for code, space in spaces.items()}
    for row, other in zip(before, isometry.rows(LABEL, scaled, metrics=metrics, null_draws=2), strict=True):
        assert other == pytest.approx(row, abs=1e-5)


def test_steps_belong_to_rsim_and_the_distances():
    spaces = dict(zip(("en", "fr"), planted((0.0, 0.5), offset=0.5), strict=True))
    metrics = (*isometry.DEFAULT, *isometry.DISTANCES)
    script, raw = (
        {row["metric"]: row["value"] for row in isometry.rows(LABEL, spaces, metrics=metrics, normalize=steps,
                                                              null_draws=0)}
        for steps in (("unit", "center", "unit"), ())
    )  # fmt: skip
    changed = {metric for metric in script if abs(script[metric] - raw[metric]) > 1e-6}
    assert changed == {"RSIM", *isometry.DISTANCES}


def test_rows_have_the_columns_and_a_seeded_sample_of_concepts():
    spaces = dict(zip(("en", "fr", "th"), planted((0.0, 0.5, 1.0)), strict=True))
    rows = isometry.rows(LABEL, spaces, limit=40, null_draws=3)
    assert rows == isometry.rows(LABEL, spaces, limit=40, null_draws=3)
    assert {row["count"] for row in rows} == {40} and list(rows[0])[-4:] == ["value", "count", "low", "high"]
    pairs = {(row["source"], row["target"]) for row in rows if row["metric"] == "CKA"}
    assert len(pairs) == 6 and all(np.isfinite(row["value"]) for row in rows)
    narrow = spaces | {"fr": spaces["fr"][:, :10]}
    assert isometry.rows(LABEL, narrow, null_draws=0)
    with pytest.raises(InputError, match="CKA_unbiased"):
        isometry.rows(LABEL, spaces, metrics=("CKAA",))
    with pytest.raises(InputError, match="neighbours"):
        isometry.rows(LABEL, {code: space[:8] for code, space in spaces.items()})
    with pytest.raises(InputError, match="same concepts"):
        isometry.rows(LABEL, spaces | {"fr": spaces["fr"][:-1]})
