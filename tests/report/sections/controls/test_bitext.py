"""The section on bitext retrieval has a line for every setting, and one for every pair behind a click."""

import numpy as np

from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.evaluation.rows import Rows
from jaxalign.metrics.controls import bitext as figures
from jaxalign.metrics.controls import mexa
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


def test_mexa_over_layers_has_a_line_for_each_language_and_their_mean():
    rows, options = Rows(np.arange(40), np.arange(40, 60)), AlignmentOptions()
    layers, made = [], []
    for number, noise in enumerate((0.2, 0.8)):
        spaces, label = planted(4, 60, 10, 3, noise=noise, rotated=False), LABEL._replace(layer=number)
        layers.append(mexa.layer(label, spaces, rows, options))
        made += figures.rows(label, spaces, rows, options, bootstrap=50)
    results = Results([dict(row) for row in made + mexa.rows(layers, rows.test, draws=99, bootstrap=50)])
    _, table = bitext(results, last_layers(results)).tables
    assert [line[1] for line in table.body] == ["fr, en", "ro, en", "mean of languages"]
    assert [line[4] for line in table.body] == ["0 of 2", "0 of 2", "each its own"]
    for line in table.body:
        assert line[3] > line[2] and line[3] > line[5] and line[6] == 0.01 and line[7] == line[3]
