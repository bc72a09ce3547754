"""Marks on lines: what the picture's words say is what the rows say."""

import pytest
from matplotlib.figure import Figure

from jaxalign.report.drawing import marks
from jaxalign.report.drawing.marks import Shares, dots
from jaxalign.report.drawing.svg import COLOURS, About


def row(value, width=0.1):
    return dict(value=value, low=value - width, high=value + width)


ABOUT = About("dots", "Caption", "two subsets")
MARKS = {"before": [row(0.25), row(0.5)], "after": [row(0.75), None]}


def test_words_name_every_label_and_value():
    picture = dots(["all", "loans removed"], MARKS, ABOUT)
    assert picture.name == "dots" and "two subsets" in picture.alt and "P@1, percent" in picture.alt
    for said in ("all", "loans removed", "25", "50", "75"):
        assert said in picture.alt
    assert COLOURS["before"] in picture.svg and COLOURS["after"] in picture.svg


def test_a_panel_of_shares_is_drawn_and_said():
    plain = dots(["all", "x"], MARKS, ABOUT)
    picture = dots(["all", "x"], MARKS, ABOUT, shares=Shares("after / ceiling, percent", [0.31, None]))
    assert "31" in picture.alt and "after / ceiling" in picture.alt
    assert len(picture.svg) > len(plain.svg)


def test_the_title_of_the_shares_stays_inside_the_picture_beside_long_labels(monkeypatch):
    drawn = []

    def draw(about, alt, paint, size, widths):
        figure = Figure(figsize=size, layout="constrained")
        drawn.append((figure, figure.subplots(1, 2, sharey=True, width_ratios=widths)))
        paint(*drawn[-1][1])

    monkeypatch.setattr(marks, "draw", draw)
    dots(["context:carrier", "x"], MARKS, ABOUT, shares=Shares("after / ceiling, percent", [0.31, None]))
    ((figure, (left, right)),) = drawn
    figure.draw_without_rendering()
    title = right.xaxis.label.get_window_extent()
    assert left.xaxis.label.get_window_extent().x1 < title.x0 and title.x1 <= figure.bbox.x1


@pytest.mark.parametrize("options", [dict(zero=True), dict(link=("before", "after"))])
def test_a_line_at_zero_and_links_are_further_marks(options):
    assert dots(["all", "x"], MARKS, ABOUT, **options).svg != dots(["all", "x"], MARKS, ABOUT).svg
