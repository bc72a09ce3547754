"""The section on bitext retrieval has a line for every setting, and one for every pair behind a click."""

import numpy as np

from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.evaluation.rows import Rows
from jaxalign.metrics.controls import bitext as figures
from jaxalign.report.results import Results, last_layers
from jaxalign.report.sections.controls.bitext import bitext
from tests.conftest import planted
from tests.planted import LABEL


def test_every_setting_and_every_pair_has_a_line():
    made = figures.rows(LABEL, planted(4, 60, 10, 3), Rows(np.arange(40), np.arange(40, 60)), AlignmentOptions())
    results = Results([dict(row) for row in made])
    section = bitext(results, last_layers(results))
    (table,), (pairs,) = section.tables, section.folded
    assert [line[1] for line in table.body] == ["no map", "fitted map", "chance"] and len(pairs.body) == 6
    assert table.body[2][5] < table.body[2][2] == 1.67 and table.body[1][5] > table.body[0][5]
    assert bitext(Results([]), []) is None
