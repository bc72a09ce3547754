"""The result row: one builder, every column, in one order."""

from jaxalign.metrics.rows import COLUMNS, MEAN, Place, figure, result_row


def test_a_row_has_every_column_in_order():
    place = Place("m", "vanilla", "last", 4, "fr", "en", "after", 366, "csls", 10, "all", "drop", "all", "P@1")
    row = result_row(place, 0.5, 122, 0.4, 0.6)
    assert tuple(row) == COLUMNS and COLUMNS[: len(Place._fields)] == Place._fields
    assert (row["source"], row["metric"], row["value"], row["count"], row["low"], row["high"]) == (
        "fr", "P@1", 0.5, 122, 0.4, 0.6,
    )  # fmt: skip


def test_without_an_interval_its_bounds_are_the_value():
    row = result_row(Place(metric="forms"), 0.25, 10)
    assert row["low"] == row["high"] == row["value"] == 0.25 and row["source"] == row["target"] == MEAN


def test_a_figure_keeps_six_digits():
    assert figure(1 / 3) == 0.333333 and figure(123456789.0) == 123457000.0
