"""Tables say what the rows say."""

import numpy as np
import pytest

from jaxalign.report import results as results_module
from jaxalign.report import tables
from tests.planted import pick
from tests.report.runs import make


def test_tables_hold_the_rows_values(tmp_path):
    rows = make(tmp_path)
    results = results_module.Results(rows)
    (series,) = results_module.last_layers(results)
    table = tables.matrix(results, series, "before")
    (cell,) = pick(rows, setting="before", subset="all", metric="P@1", source="fr", target="en")
    assert table.header == ["", "en", "fr", "ja"] and table.body[1][1] == round(100 * cell["value"], 2)
    assert table.body[1][2] is None
    headline = tables.headline(results, [series])
    (mean,) = pick(rows, setting="after", seed_size=20, subset="all", metric="P@1", source="mean", target="mean")
    assert headline.body[0][headline.header.index("after")] == round(100 * mean["value"], 2)
    text = tables.text(table)
    assert len(text.splitlines()) == 5 and f"  {table.body[1][1]:.0f}" in text  # intervals of 20 points and more
    assert f"({100 * mean['low']:.1f}-{100 * mean['high']:.1f})" in tables.text(headline)


def test_means_without_mean_rows_are_computed(tmp_path):
    rows = [row for row in make(tmp_path) if "mean" not in (row["source"], row["target"])]
    results = results_module.Results(rows)
    (series,) = results_module.last_layers(results)
    cells = pick(rows, setting="before", subset="all", metric="MRR")
    assert results.mean(series, "before", metric="MRR")["value"] == pytest.approx(np.mean([c["value"] for c in cells]))


def test_p_values_show_their_floor_and_small_numbers_a_digit():
    shown = [tables.plain(cell) for cell in (tables.PValue(0.001), tables.PValue(0.012), 0.004, 12.345, 0.0, 7, None)]
    assert shown == ["<= .001", "0.012", "0.004", "12.35", "0.00", "7", ""]
