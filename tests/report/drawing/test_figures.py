"""Bars and curves: their words say what the rows say."""

import pytest

from jaxalign.report.drawing import figures
from jaxalign.report.drawing.figures import Axis
from jaxalign.report.drawing.svg import COLOURS, PALETTE, About
from tests.report.rows import row

ABOUT = About("figure", "Caption", "a model")


def test_bars_say_each_value_and_share_an_axis():
    heights = {"before": [row(0.2), None], "after": [row(0.3), row(0.5, high=0.75)]}
    picture = figures.bars(["fr-en", "all"], heights, ABOUT)
    assert "fr-en: before 20.0, after 30.0; all: after 50.0." in picture.alt
    assert COLOURS["before"] in picture.svg and COLOURS["after"] in picture.svg
    assert figures.highest(heights["before"] + heights["after"]) == pytest.approx(78.0)
    assert figures.highest([None]) == 1.0


def test_curves_say_where_they_begin_end_and_peak():
    curves = {"csls": [(0, row(0.1)), (1, row(0.6)), (2, row(0.4))]}
    dashed = {"csls": [(0, row(0.01)), (2, row(0.02))]}
    picture = figures.lines(curves, ABOUT, Axis("layer"), dashed=dashed)
    assert "csls: from 10.0 to 40.0, highest 60.0; csls (dashed): from 1.0 to 2.0, highest 2.0." in picture.alt
    assert PALETTE[0] in picture.svg
    plain = figures.lines(curves, ABOUT, Axis("layer", unit=1))
    assert "from 0.1 to 0.4, highest 0.6" in plain.alt
