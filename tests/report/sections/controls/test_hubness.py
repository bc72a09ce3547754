"""The section on hubs shows each setting next to picks at random."""

import numpy as np

from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.evaluation.rows import Rows
from jaxalign.metrics.controls import hubness
from jaxalign.report.results import Results, last_layers
from jaxalign.report.sections.controls.hubness import hubs
from tests.conftest import planted
from tests.planted import LABEL


def test_every_setting_has_a_line():
    spaces = planted(4, 60, 10, 3, noise=0.2)
    made = hubness.rows(LABEL, spaces, Rows(np.arange(40), np.arange(40, 60)), AlignmentOptions(retrieval="nn"))
    results = Results([dict(row) for row in made])
    section = hubs(results, last_layers(results))
    (table,) = section.tables
    assert [line[2] for line in table.body] == ["no map", "fitted map", "chance"]
    assert table.body[0][3].count("(") == 1 and table.body[0][6].endswith("of 6") and table.body[2][6] is None
    assert table.body[1][5] > table.body[0][5] and round(table.body[2][5], 2) == round(100 / 60, 2)
    plain = [dict(row) for row in made if not row["metric"].startswith("hubness")]
    assert hubs(Results(plain), last_layers(results)) is None
