"""The section on confounds: a line per confound and setting, and P@1 at the average."""

import numpy as np
import pytest

from jaxalign.metrics import precision
from jaxalign.metrics.comparisons import confounds
from jaxalign.report.results import Results, last_layers
from jaxalign.report.sections.controls.confounds import odds
from tests.planted import study


def test_every_confound_has_a_line():
    pytest.importorskip("statsmodels")
    rng = np.random.default_rng(0)
    equal = np.broadcast_to(np.arange(120) % 2 == 0, (3, 3, 120))
    made = study(queries=120, concepts=150, subsets={"equal_tokens": equal})
    given = {"frequency": np.broadcast_to(rng.normal(size=120), (3, 3, 120)), "concreteness": rng.random((3, 3, 120))}
    rows = precision.rows(made, bootstrap=50)
    results = Results([dict(row) for row in rows + confounds.rows(made, given)])
    section = odds(results, last_layers(results))
    ratios, scores = section.tables
    assert [(line[1], line[2]) for line in ratios.body] == [
        (setting, name) for setting in ("no map", "fitted map") for name in ("frequency (per SD)", "concreteness")
    ]
    assert all("to" in line[3] and 0 < line[4] <= 1 for line in ratios.body)
    assert len(scores.body) == 2 and all(cell is not None for line in scores.body for cell in line)
    plain = Results([dict(row) for row in rows])
    assert odds(plain, last_layers(plain)) is None
