"""Marks on lines: what the picture's words say is what the rows say."""

import pytest

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


@pytest.mark.parametrize("options", [dict(zero=True), dict(link=("before", "after"))])
def test_a_line_at_zero_and_links_are_further_marks(options):
    assert dots(["all", "x"], MARKS, ABOUT, **options).svg != dots(["all", "x"], MARKS, ABOUT).svg
