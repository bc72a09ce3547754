"""Percentages in tables have the digits that their interval supports."""

from jaxalign.report import cells, tables


def row(value, low=None, high=None):
    return {"value": value, "low": low, "high": high}


def test_digits_follow_the_width_of_the_interval():
    wide, usual, narrow = row(0.5, 0.35, 0.65), row(0.4454, 0.413, 0.477), row(0.0008, 0.0, 0.0018)
    assert [cells.measured(one).text for one in (wide, usual, narrow, row(0.1234, 0.1234, 0.1234))] == [
        "50", "44.5", "0.08", "12.34"
    ]  # fmt: skip
    shown = [tables.plain(cells.measured(one, with_interval=True)) for one in (wide, usual, narrow, row(0.25))]
    assert shown == ["50 (35-65)", "44.5 (41.3-47.7)", "0.08 (0.00-0.18)", "25.00"]
    assert tables.plain(cells.measured(row(-0.01, -0.03, 0.01), with_interval=True)) == "-1.0 (-3.0 to 1.0)"
    assert cells.measured_or_none(None) is None


def test_cells_of_one_table_share_their_digits_and_ends_have_those_of_the_value():
    some = [cells.measured(row(0.5, 0.35, 0.65)), cells.measured(row(0.4, 0.35, 0.45)), None]
    some.append(cells.measured(row(0.3, 0.25, 0.35)))
    cells.with_common_digits(some)
    assert [cell.text for cell in some if cell] == ["50.0", "40.0", "30.0"]
    assert [tables.plain(end) for end in cells.ends(cells.measured(row(0.1, 0.05, 0.15)))] == ["5.0", "15.0"]
    assert cells.ends(cells.measured(row(0.1))) == [None, None]
    assert float(cells.percent(12.3456)) == 12.35
