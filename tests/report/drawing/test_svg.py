"""A figure as an element of a page: words, ids of its own, the page's ink; as a file, ink and paper."""

import re
import xml.etree.ElementTree as ElementTree

import pytest

from jaxalign.report.drawing.svg import INK, About, Frame, draw, file_text


def paint(axes, *others):
    axes.plot([0, 1], [0, 2], color=INK)
    axes.set(xlabel="x & y")


@pytest.fixture(scope="module")
def picture():
    return draw(About("mine", "A caption", "a line"), "A line from 0 to 2.", paint)


def test_words_and_name_are_kept(picture):
    assert (picture.name, picture.caption, picture.alt) == ("mine", "A caption", "A line from 0 to 2.")
    root = ElementTree.fromstring(picture.svg)
    assert root.tag.endswith("svg") and root.get("viewBox") and root.get("width") is None and root.get("height") is None


def test_every_id_is_the_figures_own_and_every_reference_leads_to_one(picture):
    ids = re.findall(r'\bid="([^"]+)"', picture.svg)
    assert ids and len(ids) == len(set(ids)) and all(name.startswith("mine-") for name in ids)
    assert set(re.findall(r'(?:href="|url\()#([^")]+)', picture.svg)) <= set(ids)


def test_a_frame_says_where_points_of_its_axes_stand_in_each_picture():
    def ends(axes):
        axes.set(xlim=(0, 1), ylim=(0, 3), xlabel="x", ylabel="y")
        axes.plot([0, 1], [3, 0], color="#123456")

    frame = Frame(ends, (3.0, 2.0))
    (left, top), (right, bottom) = frame.place([(0, 3), (1, 0)])
    for name in ("one", "two"):
        picture = frame.draw(About(name, "A caption"), "A line.", f'<path id="{name}-mine" d="M0 0"/>')
        line = re.search(r'<path d="M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)"[^>]*stroke:#123456', picture.svg)
        assert [float(number) for number in line.groups()] == pytest.approx([left, top, right, bottom], abs=0.01)
        assert picture.svg.rstrip().endswith(f'<path id="{name}-mine" d="M0 0"/></svg>')
        assert (picture.name, picture.caption, picture.alt) == (name, "A caption", "A line.")
        ElementTree.fromstring(picture.svg)


def test_ink_follows_the_page_and_a_file_has_its_own(picture):
    assert "currentColor" in picture.svg and INK not in picture.svg
    text = file_text(picture)
    root = ElementTree.fromstring(text.split("\n", 1)[1])
    assert root.get("color") and root[0].tag.endswith("rect") and root[0].get("fill") == "#ffffff"
    assert "mine-" not in text


def test_panels_stand_side_by_side_and_the_same_figure_has_the_same_bytes(picture):
    seen = []
    two = draw(About("two", ""), "", lambda *axes: seen.extend(axes), widths=(2.0, 1.0))
    assert len(seen) == 2 and seen[0].get_position().width > 1.5 * seen[1].get_position().width
    assert two.svg != picture.svg
    assert draw(About("mine", "A caption", "a line"), "A line from 0 to 2.", paint).svg == picture.svg
