"""Planted odds ratios are found, absent ones are not; against statsmodels' Logit and a float64 Newton method."""

import numpy as np
import pytest
from scipy import stats

from jaxalign.evaluation.result import Ranks
from jaxalign.metrics.comparisons import confounds
from jaxalign.metrics.rows import COLUMNS
from tests.planted import pick, study

pytest.importorskip("statsmodels")


def newton(outcome, design):
    """The maximum of the likelihood, in ten lines."""
    beta = np.zeros(design.shape[1])
    for _ in range(30):
        p = 1 / (1 + np.exp(-design @ beta))
        beta += np.linalg.solve((design * (p * (1 - p))[:, None]).T @ design, design.T @ (outcome - p))
    return beta


def planted(seed, slope, pairs=1, queries=300, base=-0.3):
    rng = np.random.default_rng(seed)
    frequency, abstract = rng.normal(3, 1.5, queries), (rng.random(queries) < 0.4).astype(float)
    overlap = rng.random((pairs, queries))
    scaled = (frequency - frequency.mean()) / frequency.std()
    likely = 1 / (1 + np.exp(-(base + slope * scaled + np.linspace(-0.5, 0.5, pairs)[:, None])))
    hit = (rng.random((pairs, queries)) < likely).astype(float)
    whole = {"frequency": np.broadcast_to(frequency, hit.shape), "abstract": np.broadcast_to(abstract, hit.shape)}
    return hit, whole | {"form_overlap": overlap}


def test_one_pair_is_the_textbooks_regression():
    hit, given = planted(0, 0.8)
    found = confounds.regress(hit, given)
    columns = [(v[0] - v[0].mean()) / (v[0].std() if n != "abstract" else 1) for n, v in given.items()]
    beta = newton(hit[0], np.column_stack([np.ones(300), *columns]))
    assert [one.value for one in found.odds.values()] == pytest.approx(np.exp(beta[1:]))
    assert found.at_average.value == pytest.approx(1 / (1 + np.exp(-beta[0]))) and found.concepts == 300


def test_a_planted_effect_is_found_and_absent_ones_are_not():
    hit, given = planted(1, np.log(2), pairs=6)
    found = confounds.regress(hit, given)
    assert found.odds["frequency"].low < 2 < found.odds["frequency"].high and found.p["frequency"] < 1e-4
    assert found.odds["abstract"].low < 1 < found.odds["abstract"].high
    assert found.odds["form_overlap"].low < 1 < found.odds["form_overlap"].high
    assert found.at_average.low < 1 / (1 + np.exp(0.3)) < found.at_average.high


def test_p_is_uniform_and_intervals_cover():
    """150 studies of three pairs that share their concepts' difficulty: errors without clusters would be too small."""
    p, covered = [], []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        concept = rng.normal(size=150)
        trait = rng.normal(size=150)
        hit = (rng.random((3, 150)) < 1 / (1 + np.exp(-concept))).astype(float)
        found = confounds.regress(hit, {"trait": np.broadcast_to(trait, hit.shape)})
        p.append(found.p["trait"])
        covered.append(found.odds["trait"].low <= 1 <= found.odds["trait"].high)
    assert stats.kstest(p, "uniform").pvalue > 0.01
    assert 0.89 < np.mean(covered) < 0.99


def test_what_cannot_be_estimated():
    hit, given = planted(2, 0.0)
    same = given | {"again": 2 * given["frequency"] + 1, "constant": np.ones_like(hit)}
    assert list(confounds.regress(hit, same).odds) == ["frequency", "abstract", "form_overlap"]
    assert confounds.regress(np.zeros_like(hit), given) is None
    assert list(confounds.regress(hit, given | {"separates": hit}).odds) == list(given)
    rare = (np.arange(300) < 4)[None] & (hit == 0)  # few words, none of them found: a clustered error would be tiny
    assert list(confounds.regress(hit, {"rare": rare.astype(float)} | given).odds) == list(given)
    unknown = {**given, "frequency": np.where(np.arange(300) < 100, np.nan, given["frequency"])}
    assert confounds.regress(hit, unknown).concepts == 200


def test_rows():
    made = study(queries=120, concepts=150)
    rng = np.random.default_rng(0)
    given = {"frequency": np.broadcast_to(rng.normal(size=120), (3, 3, 120)), "form_overlap": rng.random((3, 3, 120))}
    found = confounds.rows(made, given)
    assert all(list(row) == list(COLUMNS) for row in found)
    assert {row["setting"] for row in found} == {"before", "after"}
    assert {row["seed_size"] for row in pick(found, setting="after")} == {20}
    (mean,) = pick(found, setting="after", metric="P@1_at_average", source="mean")
    hit = (made.ranks["after"] == 1)[~np.eye(3, dtype=bool)].mean()
    assert mean["low"] < mean["value"] < mean["high"] and mean["value"] == pytest.approx(hit, abs=0.02)
    assert confounds.names(list(dict.fromkeys(row["metric"] for row in found))) == ["frequency", "form_overlap"]
    assert confounds.rows(made._replace(ranks=Ranks(made.ranks.languages, ())), given) == []
