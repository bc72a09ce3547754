"""The section on shrunken maps: one line for every lambda, and how many pairs chose it."""

import numpy as np

from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.evaluation.rows import Rows
from jaxalign.metrics.controls import shrinkage_curve
from jaxalign.report.results import Results, last_layers
from jaxalign.report.sections.controls.shrinkage import shrinkage
from tests.conftest import planted
from tests.planted import LABEL


def test_every_lambda_has_a_line():
    options = AlignmentOptions(settings=("shrunken",), shrinkage=(0.0, 0.3, np.inf))
    made = shrinkage_curve.rows(LABEL, planted(4, 60, 10, 3), Rows(np.arange(40), np.arange(40, 60)), options)
    results = Results([dict(row) for row in made])
    section = shrinkage(results, last_layers(results))
    (table,), (picture,) = section.tables, section.pictures
    assert [line[1] for line in table.body] == ["0 (fitted)", "0.3", "no map"]
    assert sum(line[4] for line in table.body) == 6 and all(0 < line[3] <= 100 for line in table.body)
    assert "lambda" in picture.caption and "X'Y + lambda s I" in section.text
    others = [dict(row) for row in made if "lambda" not in row["metric"] and row["metric"] != "shrinkage"]
    assert not others or shrinkage(Results(others), last_layers(results)) is None
