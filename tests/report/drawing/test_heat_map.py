"""Heat maps: words, colours and numbers say what the rows say, each in its own cell."""

import re
import xml.etree.ElementTree as ElementTree

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_hex

from jaxalign.report.drawing.heat_map import heat_map
from jaxalign.report.drawing.svg import About, file_text
from jaxalign.report.results import Results
from tests.report.rows import row

ABOUT = About("figure", "Caption", "a model")
SVG = "{http://www.w3.org/2000/svg}"
LINK = "{http://www.w3.org/1999/xlink}href"


def drawn(values, name="figure"):
    results = Results(row(value, source=source, target=target) for (source, target), value in values.items())
    (series,) = results.series()
    return results.languages, heat_map(results, series, "after", ABOUT._replace(name=name))


def test_a_heat_map_names_its_ends_and_its_mean():
    values = {("en", "fr"): 0.4, ("fr", "en"): 0.6, ("en", "fi"): 0.1, ("fi", "en"): 0.3, ("fr", "fi"): 0.2,
              ("fi", "fr"): 0.2}  # fmt: skip
    results = Results(row(value, source=source, target=target) for (source, target), value in values.items())
    (series,) = results.series()
    picture = heat_map(results, series, "after", ABOUT)
    assert "mean 30.00 %" in picture.alt and "lowest 10.0 from en to fi" in picture.alt
    assert "highest 60.0 from fr to en" in picture.alt and picture.caption == "Caption, mean 30.00 %"
    assert picture.group == "a model"


def test_each_cell_has_the_colour_and_the_number_of_its_pair():
    values = {("en", "fr"): 0.04, ("fr", "en"): 0.6, ("en", "fi"): 0.123, ("fi", "en"): 0.0, ("fr", "fi"): 1.0,
              ("fi", "fr"): 0.0996}  # fmt: skip
    codes, picture = drawn(values)
    root = ElementTree.fromstring(picture.svg)
    rectangles = [
        {name: float(cell.get(name)) for name in ("x", "y", "width", "height")} | {"fill": cell.get("fill")}
        for cell in root.iter(f"{SVG}rect")
        if (cell.get("fill") or "").startswith("#")
    ]
    letters = [
        (float(use.get("x")), float(use.get("y")), chr(int(use.get(LINK).removeprefix("#figure-letter"))))
        for use in root.iter(f"{SVG}use")
        if use.get(LINK, "").startswith("#figure-letter")
    ]
    assert len(rectangles) == len(values)
    columns, rows = (sorted({cell[axis] for cell in rectangles}) for axis in ("x", "y"))
    for cell in rectangles:
        source, target = codes[rows.index(cell["y"])], codes[columns.index(cell["x"])]
        value = values[source, target]
        assert cell["fill"] == to_hex(matplotlib.colormaps["YlGnBu"](value))
        inside = sorted(
            (x, letter)
            for x, y, letter in letters
            if cell["x"] < x < cell["x"] + cell["width"] and cell["y"] < y < cell["y"] + cell["height"]
        )
        expected = {0.04: "4.0", 0.6: "60", 0.123: "12", 0.0: "0", 1.0: "100", 0.0996: "10"}[value]
        assert "".join(letter for _, letter in inside) == expected
    assert sum(len(letter) for *_, letter in letters) == len("4.060120100" + "10")


def test_numbers_stand_in_the_middle_and_are_light_on_dark_cells():
    _, picture = drawn({("en", "fr"): 0.9, ("fr", "en"): 0.9})
    root = ElementTree.fromstring(picture.svg)
    (group,) = (group for group in root.iter(f"{SVG}g") if group.get("fill") == "#ffffff")
    first, second = list(group)[:2]
    cell = next(cell for cell in root.iter(f"{SVG}rect") if (cell.get("fill") or "").startswith("#"))
    middle = float(cell.get("x")) + float(cell.get("width")) / 2
    advance = float(second.get("x")) - float(first.get("x"))
    assert float(first.get("x")) + advance == pytest.approx(middle, abs=0.02)
    assert float(first.get("y")) > float(cell.get("y")) + float(cell.get("height")) / 2  # the line that digits stand on


def test_pictures_of_one_frame_have_ids_of_their_own_and_nothing_of_each_other():
    first, second = drawn({("en", "fr"): 0.4, ("fr", "en"): 0.6}, "a")[1], drawn({("en", "fr"): 0.1}, "b")[1]
    again = drawn({("en", "fr"): 0.4, ("fr", "en"): 0.6}, "a")[1]
    assert first == again and "b-letter" not in first.svg and "a-letter" not in second.svg
    for name, picture in (("a", first), ("b", second)):
        ids = re.findall(r'\bid="([^"]+)"', picture.svg)
        assert len(ids) == len(set(ids)) and all(one.startswith(f"{name}-") for one in ids)
        assert set(re.findall(r'(?:href="|url\()#([^")]+)', picture.svg)) <= set(ids)
        assert f"{name}-" not in file_text(picture)


def test_many_languages_have_colours_only():
    codes = [f"{first}{second}" for first in "abcde" for second in "vwxyz"]
    _, picture = drawn({(a, b): 0.5 for a in codes for b in codes if a != b})
    root = ElementTree.fromstring(picture.svg)
    cells = [cell for cell in root.iter(f"{SVG}rect") if (cell.get("fill") or "").startswith("#")]
    assert len(cells) == 25 * 24 and "letter" not in picture.svg
    assert np.unique([cell.get("fill") for cell in cells]).tolist() == [to_hex(matplotlib.colormaps["YlGnBu"](0.5))]
