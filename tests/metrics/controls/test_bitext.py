"""Figures of parallel sentences against their definitions, scikit-learn's F1, and what random scores give."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.evaluation.pair_scores import PairScores
from jaxalign.evaluation.pairs import evaluate
from jaxalign.evaluation.rows import Rows
from jaxalign.evaluation.settings import Setting
from jaxalign.metrics.controls import bitext
from tests.conftest import planted
from tests.planted import LABEL


def pair(cosines, queries=None):
    queries = np.arange(len(cosines)) if queries is None else queries
    return PairScores(Setting("before", 0, 0), 0, 1, cosines, cosines.T, queries)


def test_the_definitions_in_plain_loops():
    draw = np.random.default_rng(0)
    cosines = np.clip(draw.random((30, 30)) * 0.6 + 0.35 * np.eye(30), -1, 1)
    margin_hit, margin_f1, cosine_f1, mexa = bitext.gains_of(pair(cosines)).gains
    near = lambda row: np.mean(sorted(row)[-4:])  # noqa: E731
    margin = np.array([
        [cosines[x, y] / (near(cosines[x]) / 2 + near(cosines[:, y]) / 2) for y in range(30)] for x in range(30)
    ])  # fmt: skip
    assert np.array_equal(margin_hit, margin.argmax(1) == np.arange(30)) and 0 < margin_hit.mean() < 1
    for scores, found in ((margin, margin_f1), (cosines, cosine_f1)):
        expected = f1_score(np.arange(30), scores.argmax(1), average="weighted", labels=np.arange(30), zero_division=0)
        assert found.mean() == pytest.approx(expected)
    first = [all(cosines[i, i] > max(cosines[i, j], cosines[j, i]) for j in range(30) if j != i) for i in range(30)]
    assert np.array_equal(mexa, first) and 0 < mexa.mean() < 1


def test_random_scores_give_chance_and_ties_do_not_profit():
    draw, found = np.random.default_rng(1), []
    for _ in range(400):
        found.append(bitext.gains_of(pair(draw.random((12, 12)))).gains.mean(1))
    np.testing.assert_allclose(np.mean(found, axis=0), bitext.chance(12, 12), atol=0.012)
    constant = bitext.gains_of(pair(np.full((8, 8), 0.5))).gains
    assert constant[0].mean() == pytest.approx(1 / 8) and constant[3].max() == 0 and constant[1:3].mean() <= 1 / 8


def test_rows_of_a_planted_space():
    spaces = planted(1, 80, 20, 3, noise=0.4)
    made = bitext.rows(LABEL, spaces, Rows(np.arange(40), np.arange(40, 80)), AlignmentOptions(), bootstrap=200)
    found = {(row["source"], row["target"], row["setting"], row["metric"]): row for row in made}
    mean = {setting: found["mean", "mean", setting, "MEXA"] for setting in ("before", "after", "chance")}
    assert mean["after"]["value"] > 0.3 > mean["before"]["value"]
    assert mean["chance"]["value"] == pytest.approx(1 / 159, abs=1e-6)
    assert all(row["low"] <= row["value"] <= row["high"] and 0 <= row["value"] <= 1 for row in made)
    assert {row["retrieval"] for row in made} == {"csls"} and len(made) == 2 * 7 * 4 + 4


@pytest.mark.parametrize("candidates", ["all", "test"])
def test_the_retrieval_margin_has_the_ranks_of_the_same_scores(candidates):
    spaces, rows = planted(3, 90, 12, 3, noise=0.6, rotated=False), Rows(np.arange(40), np.arange(40, 90))
    options = AlignmentOptions(retrieval="margin", candidates=candidates, settings=("before",))
    made = bitext.rows(LABEL, spaces, rows, options, bootstrap=0)
    found = {(row["source"], row["target"]): row for row in made if row["metric"] == "P@1_margin"}
    ranks = evaluate(spaces, rows, options)
    for i, source in enumerate(spaces):
        for j, target in enumerate(spaces):
            if i != j:
                expected = found[source, target]
                assert (ranks["before"][i, j] == 1).mean() == pytest.approx(expected["value"], abs=1e-6)
                assert expected["csls_k"] == 4 and expected["retrieval"] == "margin"
    assert 0.05 < (ranks["before"][0, 1] == 1).mean() < 0.95
