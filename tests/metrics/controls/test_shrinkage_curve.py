"""The rows of shrunken maps: the lambda of each pair and both curves, against the ranks of the run itself."""

import numpy as np
import pytest

from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.evaluation.pairs import evaluate
from jaxalign.evaluation.rows import Rows
from jaxalign.metrics.controls import shrinkage_curve
from jaxalign.metrics.gains import precision_at
from tests.conftest import planted
from tests.planted import LABEL

ROWS = Rows(np.arange(60), np.arange(60, 110))


def test_the_ends_are_before_and_after_and_the_chosen_one_is_shrunken():
    spaces = planted(2, 110, 12, 3, noise=0.6)
    options = AlignmentOptions(settings=("before", "after", "shrunken"))
    made = shrinkage_curve.rows(LABEL, spaces, ROWS, options)
    ranks, names = evaluate(spaces, ROWS, options), list(spaces)
    found = {(row["source"], row["target"], row["metric"]): row for row in made}
    assert {row["setting"] for row in made} == {"shrunken"} and {row["subset"] for row in made} == {"all"}
    for i, source in enumerate(names):
        for j, target in enumerate(names):
            if i != j:
                chosen = found[source, target, "shrinkage"]["value"]
                assert chosen == found[target, source, "shrinkage"]["value"]
                chosen = np.inf if chosen == shrinkage_curve.INFINITE else chosen
                for value, setting in ((0, "after"), (np.inf, "before"), (chosen, "shrunken")):
                    row = found[source, target, f"P@1_lambda={value:g}"]
                    assert row["value"] == pytest.approx(precision_at(ranks[setting], 1)[i, j], abs=1e-6)
                    assert row["low"] <= row["value"] <= row["high"] and row["count"] == 50
    mean = found["mean", "mean", "P@1_lambda=0"]["value"]
    off = ~np.eye(3, dtype=bool)
    assert mean == pytest.approx(precision_at(ranks["after"], 1)[off].mean(), abs=1e-6)
    assert 0 < found["mean", "mean", "cv_MRR_lambda=0.1"]["value"] <= 1
