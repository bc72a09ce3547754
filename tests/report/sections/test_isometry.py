"""The section on likeness without a map: every measure beside its mean on shuffled concepts."""

from jaxalign.report.results import Results
from jaxalign.report.sections.isometry import isometry
from tests.report.rows import row


def measure(value, setting="isometry", metric="RSIM", pairs=(("en", "fr"), ("fr", "en")), layer=4):
    return [row(value + place / 10, *pair, setting=setting, metric=metric, seed_size=0, layer=layer)
            for place, pair in enumerate(pairs)]  # fmt: skip


def test_a_line_has_value_shuffled_calibrated_and_p():
    rows = [*measure(0.5), *measure(0.1, "isometry_null"), *measure(0.4, "isometry_calibrated"),
            *measure(0.01, metric="RSIM_p"), row(9.0, setting="isometry", metric="RSIM", seed_size=0)]  # fmt: skip
    section = isometry(Results(rows))
    (table,) = section.tables
    (line,) = table.body
    assert table.header[1:] == ["measure", "value", "shuffled", "calibrated", "p"]
    assert line[1:5] == ["RSIM", 0.55, 0.15, 0.45]  # means of the pairs; the row of the mean itself is left out
    assert float(line[5]) == 0.06 and not section.pictures


def test_curves_by_depth_need_three_layers():
    rows = [each for layer in (0, 2, 4) for each in measure(layer / 10, metric="CKA_unbiased", layer=layer)]
    (picture,) = isometry(Results(rows)).pictures
    assert "CKA_unbiased: from 0.05 to 0.45" in picture.alt
    assert isometry(Results([row(0.4)])) is None
