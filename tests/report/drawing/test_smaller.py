"""Smaller SVG: the same geometry to a hundredth of a point, whoever computes it."""

import io
import re
from xml.etree import ElementTree

import numpy as np
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from jaxalign.report.drawing.smaller import smaller

SVG, LINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"


def drawn():
    figure = Figure(figsize=(4, 3))
    FigureCanvasSVG(figure)
    axes = figure.subplots()
    axes.bar(range(6), np.linspace(0.1, 1, 6), color="#2f6fde")
    axes.plot([0, 1, 2.123456], [0.5, 0.5, 0.8], "o-", label="fi 12")
    axes.legend()
    file = io.StringIO()
    figure.savefig(file, format="svg")
    return re.sub(r"<metadata>.*?</metadata>", "", file.getvalue()[file.getvalue().index("<svg") :], flags=re.S)


def corners(data):
    """Every corner of a path of M, L, H, V, Q, C and z."""
    made, place = [], (0.0, 0.0)
    for command, text in re.findall(r"([MLHVQCzZ])([^MLHVQCzZ]*)", data):
        numbers = [float(number) for number in text.split()]
        if command in "HV":
            place = (numbers[0], place[1]) if command == "H" else (place[0], numbers[0])
        elif command not in "zZ":
            place = (numbers[-2], numbers[-1])
        made.append(place)
    return [corner for corner, before in zip(made, [None, *made], strict=False) if corner != before]


def parsed(style):
    parts = (part.split(":") for part in style.split(";") if ":" in part)
    return {name.strip(): value.strip() for name, value in parts}


def elements(text):
    """(tag, style as inherited, clip, corners) of every path and use, in the order of drawing."""
    found = []

    def walk(element, style, clip):
        for child in element:
            own = style | parsed(child.get("style", ""))
            cut = bool(child.get("clip-path")) or clip
            if child.tag in (SVG + "path", SVG + "use"):
                found.append((child.tag, own, cut, corners(child.get("d", ""))))
            walk(child, own, cut)

    root = ElementTree.fromstring(text)
    rule = next((element.text for element in root.iter(SVG + "style")), "")
    start = root.get("style") or re.sub(r".*\{|\}", "", rule)
    walk(root, parsed(start), False)
    return found


def test_every_mark_keeps_its_place_its_style_and_its_clip():
    whole = drawn()
    before, after = elements(whole), elements(smaller(whole))
    assert len(before) == len(after) > 40
    for (tag, style, clip, path), (tag2, style2, clip2, path2) in zip(before, after, strict=True):
        assert (tag, style, clip) == (tag2, style2, clip2)
        rounded = [tuple(np.round(corner, 2)) for corner in path]
        rounded = [corner for corner, last in zip(rounded, [None, *rounded], strict=False) if corner != last]
        assert np.allclose(rounded, path2, atol=0.0051)


def test_it_is_smaller_and_every_reference_is_there():
    text = smaller(drawn())
    assert len(text) < 0.6 * len(drawn())
    root = ElementTree.fromstring(text)
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    links = {element.get(LINK).removeprefix("#") for element in root.iter() if element.get(LINK)}
    assert links and links <= set(ids) and set(re.findall(r"url\(#([^)]+)\)", text)) <= set(ids)


def test_numbers_and_lines():
    assert smaller('<svg style="a"><path d="M 0.004 -0.5 \nL 10 -0.5 \nL 10 20.126 \nz\n"/></svg>') == (
        '<svg style="a"><path d="M0 -.5H10V20.13z"/></svg>'
    )
    assert 'transform="translate(1.23 4) scale(0.015625)"' in smaller(
        '<svg><g transform="translate(1.23456 4.0) scale(0.015625)"><path d="M 1 1 L 2 2"/></g></svg>'
    )
