"""Panels of curves by step: a colour for each layer, dashed nulls, an axis with plain numbers."""

import pytest

from jaxalign.report.drawing.panels import Panel, by_layer, short_number
from jaxalign.report.drawing.svg import About
from tests.report.rows import row

ABOUT = About("training", "Caption", "a model, by step of training")


def curves(layers, height):
    return {layer: [(0, row(height)), (50, row(height + 0.1)), (900, row(height + 0.2))] for layer in layers}


def test_each_panel_says_its_ends():
    panels = [Panel("no map", curves((0, 4), 0.1), {}), Panel("fitted map", curves((0, 4), 0.3), curves((0, 4), 0.01))]
    picture = by_layer(panels, ABOUT, "step")
    assert "no map: last layer from 10.0 to 30.0, highest 30.0 at layer 0" in picture.alt
    assert "fitted map: last layer from 30.0 to 50.0" in picture.alt
    assert picture.svg.count("stroke-dasharray") >= 2  # the nulls of the second panel


def test_intervals_are_drawn_for_few_layers_only():
    few, many = (by_layer([Panel("x", curves(range(count), 0.1), {})], ABOUT, "step").svg for count in (2, 20))
    assert "fill-opacity" in few and "fill-opacity" not in many


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0"), (900, "900"), (143_000, "143k"), (1.5e9, "1.5B"), (2e12, "2T"), (5e6, "5M")]
)
def test_numbers_of_an_axis(number, text):
    assert short_number(number) == text
