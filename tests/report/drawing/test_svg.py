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


def test_a_frame_gives_each_picture_what_a_figure_of_its_own_gives():
    """Nothing of the picture before is left in it."""

    def ends(axes):
        axes.set(xlim=(0, 1), ylim=(0, 3), xlabel="x", ylabel="y")

    def fill(height):
        return lambda axes: [
            *axes.plot([0, 1], [0, height], color=INK),
            axes.text(0.5, 1, f"{height}", in_layout=False),
        ]

    frame, about = Frame(ends, (3.0, 2.0)), About("mine", "A caption")
    for height in (1, 2, 3):

        def paint_all(axes, height=height):
            ends(axes)
            fill(height)(axes)

        assert frame.draw(about, "A line.", fill(height)) == draw(about, "A line.", paint_all, (3.0, 2.0))


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
