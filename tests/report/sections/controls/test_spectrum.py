"""The section on spaces of the same spectra shows each setting next to both nulls."""

import numpy as np

from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.evaluation.rows import Rows
from jaxalign.metrics.nulls import spectrum as nulls
from jaxalign.metrics.rows import Place, result_row
from jaxalign.report.results import Results, last_layers
from jaxalign.report.sections.controls.spectrum import spectrum
from tests.conftest import planted
from tests.planted import LABEL


def test_every_setting_has_a_line_with_its_nulls():
    options = AlignmentOptions(settings=("before", "after", "ceiling"), retrieval="nn")
    made = nulls.rows(LABEL, planted(4, 60, 10, 3, noise=0.2), Rows(np.arange(40), np.arange(40, 60)), options)
    sizes = {row["setting"]: row["seed_size"] for row in made}
    place = Place(**LABEL._asdict(), **options.columns, metric="P@1")
    plain = [
        result_row(place._replace(setting=name, seed_size=size), 0.9, 20, 0.8, 1.0) for name, size in sizes.items()
    ]
    results = Results([dict(row) for row in made + plain])
    section = spectrum(results, last_layers(results))
    (table,) = section.tables
    before, after, ceiling = table.body
    assert [line[1] for line in table.body] == ["no map", "fitted map", "leaky ceiling"]
    assert before[3] is not None and after[3] is after[4] is None and 0 <= before[3] < 20
    assert float(after[2]) == 90.0 and after[5] < 20 and after[6].text == "0.048" and after[7] == "6 of 6"
    assert ceiling[5] >= after[5] and len(table.header) == len(before) and "leak" in section.text
    assert spectrum(Results([dict(row) for row in plain]), last_layers(results)) is None
