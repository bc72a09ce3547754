"""Bars and curves: their words say what the rows say."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from jaxalign.report.drawing import figures
from jaxalign.report.drawing.figures import Axis
from jaxalign.report.drawing.svg import COLOURS, PALETTE, About
from tests.report.rows import row

SVG = "{http://www.w3.org/2000/svg}"
ABOUT = About("figure", "Caption", "a model")


def test_bars_say_each_value_and_share_an_axis():
    heights = {"before": [row(0.2), None], "after": [row(0.3), row(0.5, high=0.75)]}
    picture = figures.bars(["fr-en", "all"], heights, ABOUT)
    assert "fr-en: before 20.0, after 30.0; all: after 50.0." in picture.alt
    assert COLOURS["before"] in picture.svg and COLOURS["after"] in picture.svg
    assert figures.highest(heights["before"] + heights["after"]) == pytest.approx(78.0)
    assert figures.highest([None]) == 1.0


def test_bars_are_as_high_as_their_values_and_intervals_reach_from_low_to_high():
    heights = {"before": [row(0.2, low=0.1, high=0.4), None], "after": [row(0.3), row(0.0, low=0.0, high=0.05)]}
    picture = figures.bars(["fr-en", "all"], heights, ABOUT, top=50.0)
    root = ElementTree.fromstring(picture.svg)
    filled = {group.get("fill"): list(group) for group in root.iter(f"{SVG}g") if group.get("fill")}
    assert [len(filled[COLOURS[name]]) for name in heights] == [1, 2]
    (low,), (middle, zero) = (filled[COLOURS[name]] for name in heights)
    unit = float(low.get("height")) / 0.2
    assert float(middle.get("height")) == pytest.approx(0.3 * unit, abs=0.02) and float(zero.get("height")) == 0
    floor = float(low.get("y")) + float(low.get("height"))
    assert float(low.get("x")) < float(middle.get("x")) < float(zero.get("x"))
    ends = [re.match(r"M([\d.]+) ([\d.]+)V([\d.]+)$", path.get("d")) for path in root.iter(f"{SVG}path")
            if path.get("stroke-width") == ".9"]  # fmt: skip
    spans = [[(floor - float(end)) / unit for end in match.groups()[:0:-1]] for match in ends]
    assert np.allclose(spans, [[0.1, 0.4], [0.3 - 0.1, 0.3 + 0.1], [0.0, 0.05]], atol=2e-3)


def test_curves_say_where_they_begin_end_and_peak():
    curves = {"csls": [(0, row(0.1)), (1, row(0.6)), (2, row(0.4))]}
    dashed = {"csls": [(0, row(0.01)), (2, row(0.02))]}
    picture = figures.lines(curves, ABOUT, Axis("layer"), dashed=dashed)
    assert "csls: from 10.0 to 40.0, highest 60.0; csls (dashed): from 1.0 to 2.0, highest 2.0." in picture.alt
    assert PALETTE[0] in picture.svg
    plain = figures.lines(curves, ABOUT, Axis("layer", unit=1))
    assert "from 0.1 to 0.4, highest 0.6" in plain.alt
