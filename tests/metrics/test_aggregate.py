"""Rows made of other rows: splits merged, and what ties may change."""

import numpy as np
import pytest

from jaxalign.evaluation.result import Ranks, SettingRanks
from jaxalign.metrics import aggregate, precision
from jaxalign.metrics.rows import Place, result_row
from jaxalign.types import Concepts, Split
from tests.planted import study


def test_several_splits_give_their_mean():
    place = Place("demo", setting="after", metric="P@1")
    one, two = result_row(place, 0.4, 10, 0.3, 0.5), result_row(place, 0.6, 10, 0.5, 0.7)
    (row,) = aggregate.over_splits([[one], [two]])
    spread = 1.959964 * np.std([0.4, 0.6], ddof=1)
    assert row["value"] == pytest.approx(0.5) and row["count"] == 20
    assert row["low"] == pytest.approx(0.5 - np.hypot(0.1, spread))
    change = result_row(place._replace(setting="after - before"), -0.4, 10, -0.5, -0.3)
    p_value = result_row(place._replace(metric="P@1_p"), 0.01, 10)
    rows = aggregate.over_splits([[change, p_value], [change, p_value | dict(value=0.9)]])
    assert rows[0]["low"] == pytest.approx(-0.5)  # a difference may be negative
    assert rows[1]["value"] == 0.01  # a p-value has no mean over splits


def test_ties_are_reported():
    rank = np.array([[[0, 0], [1, 1]], [[1, 2], [0, 0]]])
    ties = np.array([[[0, 0], [0, 1]], [[0, 0], [0, 0]]])
    ids = ("a", "b")
    known = Concepts(ids, ("other", "other"), {"en": ids, "fr": ids}, ())
    ranks = Ranks(("en", "fr"), (SettingRanks("after", 3, 0, rank, rank * 0, ties),))
    made = study()._replace(ranks=ranks, concepts=known, split=Split((), ids))
    rows = aggregate.ties(precision.rows(made, ks=(1,), bootstrap=0), ranks)
    found = {(row["source"], row["target"], row["metric"]): row["value"] for row in rows}
    assert found == {("en", "fr", "ties"): 0.5, ("en", "fr", "P@1_strict"): 0.5}
