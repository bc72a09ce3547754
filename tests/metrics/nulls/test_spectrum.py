"""Random spaces of the same spectrum: exact in float64, uniform p-values, what is planted is found, leaks are seen."""

import numpy as np
import pytest
from scipy import stats

from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.evaluation.rows import Rows
from jaxalign.metrics.nulls import spectrum
from jaxalign.metrics.rows import COLUMNS, figure
from jaxalign.reference import normalize, precision_at, rank
from tests.conftest import planted
from tests.planted import LABEL, pick

SPLIT = Rows(np.arange(50), np.arange(50, 90))
FLOOR = figure(1 / 21)


def gaussian(rng, concepts=90, width=6):
    return {code: (rng.standard_normal((concepts, width)) * np.linspace(2, 0.5, width)) for code in ("en", "fr")}


@pytest.mark.parametrize("shape", [(40, 7), (7, 40), (9, 8), (8, 9)])
def test_mean_and_covariance_stay_exactly(shape):
    vectors = np.random.default_rng(0).standard_normal(shape) * np.linspace(3, 0.1, shape[1]) + 1.5
    factor = spectrum.spectrum_factor(vectors)
    made = spectrum.same_spectrum(vectors, factor, np.random.default_rng(1)).astype(np.float64)
    assert np.abs(made.mean(0) - vectors.mean(0)).max() < 1e-6
    assert np.abs(np.cov(made.T) - np.cov(vectors.T)).max() < 3e-6
    values = [np.linalg.svd(one - one.mean(0), compute_uv=False) for one in (made, vectors)]
    assert np.abs(values[0] - values[1]).max() < 1e-5 * values[1].max()
    assert np.square(made).sum() == pytest.approx(np.square(vectors).sum(), rel=1e-6)  # the mean square of the norms
    assert np.abs(made - vectors).max() > 0.5


def test_a_rotation_keeps_every_inner_product():
    vectors = np.random.default_rng(2).standard_normal((12, 5))
    made = spectrum.rotate(vectors, np.random.default_rng(3)).astype(np.float64)
    assert np.abs(made @ made.T - vectors @ vectors.T).max() < 1e-5 and np.abs(made - vectors).max() > 0.5


def test_random_rotations_are_uniform():
    """Entries of a rotation of Haar measure: (entry + 1) / 2 follows Beta((n - 1) / 2, (n - 1) / 2)."""
    rng = np.random.default_rng(4)
    drawn = np.array([spectrum.random_orthogonal(5, 3, rng) for _ in range(400)])
    assert np.abs(drawn.swapaxes(1, 2) @ drawn - np.eye(3)).max() < 1e-12
    for i, j in ((0, 0), (4, 2), (1, 1)):
        assert stats.kstest((drawn[:, i, j] + 1) / 2, stats.beta(2, 2).cdf).pvalue > 0.01


def test_scores_are_those_of_float64():
    """The ranks of one random space, by the reference method in NumPy."""
    spaces = {code: normalize(rows) for code, rows in planted(5, 90, 6, 2, noise=0.4).items()}
    rng = np.random.default_rng(6)
    alike = {c: spectrum.same_spectrum(rows, spectrum.spectrum_factor(rows), rng) for c, rows in spaces.items()}
    options = AlignmentOptions(settings=("before", "after", "ceiling"), normalize=())
    found = spectrum.scores(alike, SPLIT, options)
    for setting, score in found.items():
        exact = precision_at(rank(alike, *SPLIT, setting, normalize_steps=()), 1)
        assert np.abs(score - exact).max() <= 1 / 40 + 1e-9


def test_p_is_uniform_for_unrelated_spaces():
    rng, p = np.random.default_rng(7), {name: [] for name in ("before", "after", "ceiling", "rotated")}
    options = AlignmentOptions(settings=("before", "after", "ceiling"), retrieval="nn", normalize=("center",))
    for number in range(25):
        made = spectrum.rows(LABEL, gaussian(rng), SPLIT, options, draws=19, rng_seed=number)
        for row in pick(made, source="mean"):
            if row["metric"].endswith("_p"):
                p["rotated" if "rotated" in row["metric"] else row["setting"]].append(row["value"])
    for values in p.values():  # 20 values of equal chance: their mean is .525
        assert len(values) == 25 and np.mean(np.array(values) <= 0.1) <= 0.28 and 0.33 < np.mean(values) < 0.72


def test_what_was_planted_is_found_and_leaks_are_seen():
    rng = np.random.default_rng(8)
    base = rng.standard_normal((90, 6))

    def found(spaces, *settings):
        made = spectrum.rows(LABEL, spaces, SPLIT, AlignmentOptions(settings=settings, retrieval="nn"), rng_seed=1)
        assert all(list(row) == list(COLUMNS) and row["low"] <= row["value"] <= row["high"] for row in made)
        return {(row["setting"], row["metric"]): row["value"] for row in pick(made, source="mean")}

    shared = {code: base + 0.3 * rng.standard_normal(base.shape) for code in ("en", "fr")}
    straight = found(shared, "before", "after")
    assert straight["before", "P@1_rotated_p"] == straight["before", "P@1_spectrum_p"] == FLOOR
    rotations = [spectrum.random_orthogonal(6, 6, rng) for _ in range(4)]
    turned = [found({"en": shared["en"], "fr": shared["fr"] @ one}, "before", "after") for one in rotations]
    assert [one["after", "P@1_spectrum_p"] for one in turned] == [FLOOR] * 4
    assert np.mean([one["before", "P@1_rotated_p"] for one in turned]) > 0.2
    assert max(one["after", "P@1_spectrum"] for one in turned) < 0.05
    wide = found({code: rng.standard_normal((90, 40)) for code in ("en", "fr")}, "ceiling")
    assert wide["ceiling", "P@1_spectrum"] > 0.2 and wide["ceiling", "P@1_spectrum_p"] > FLOOR


def test_few_settings_and_the_order_of_languages():
    spaces = gaussian(np.random.default_rng(9))
    turned = {code: spaces[code] for code in ("fr", "en")}
    options = AlignmentOptions(settings=("after", "null"), retrieval="nn")
    made, again = (spectrum.rows(LABEL, one, SPLIT, options, draws=3) for one in (spaces, turned))
    assert {row["setting"] for row in made} == {"after"} and {row["seed_size"] for row in made} == {50}
    null = dict(source="en", metric="P@1_spectrum")
    assert pick(made, **null) == pick(again, **null)
    assert spectrum.rows(LABEL, spaces, SPLIT, AlignmentOptions(settings=("null",)), draws=3) == []
