"""Colours of cells: more is darker, and the digits can be read in every cell (WCAG AA, 4.5 to 1)."""

import pytest

from jaxalign.report.page import heat


def test_contrast_is_that_of_the_standard():
    assert heat.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert heat.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)  # the standard's well-known near miss


@pytest.mark.parametrize("ends", [heat.LIGHT, heat.DARK])
def test_every_cell_can_be_read(ends):
    made = heat.shades(ends)
    assert len(made) == heat.STEPS + 1 and (made[0][0], made[-1][0]) == ends
    assert min(heat.contrast(paint, ink) for paint, ink in made) >= 4.5


def test_steps_are_bounded_and_each_has_a_rule():
    assert [heat.step(percent) for percent in (-5, 0, 50, 100, 200)] == [0, 0, 10, 20, 20]
    assert all(heat.css().count(f".h{number}{{") == 2 for number in range(heat.STEPS + 1))
