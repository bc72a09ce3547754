"""One figure as self-contained SVG: letters are paths, so that no font is needed, and words stay Latin."""

import io
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from numpy.typing import ArrayLike

from jaxalign.report.drawing.smaller import smaller

# Each colour has a contrast of 3 or more with the page's paper, light and dark.
# A colour has one meaning over the whole page: these are settings and kinds of concepts, `PALETTE` is for series.
COLOURS = {
    "before": "#7d8ca3", "after": "#2f6fde", "gpa": "#7a5cc9", "ceiling": "#549a75", "null": "#cc7722",
    "shrunken": "#1d8fa3", "shrunken_null": "#a3743f",
    "refined": "#2a7a4b", "refined_null": "#8c6d46", "identical": "#6d7f2a", "identical_null": "#9c7a52",
    "ceiling_null": "#b08a60", "chance": "#8a8f99", "abstract": "#b5388a", "physical": "#4d7c0f",
    "physical_down": "#7a9c48",
}  # fmt: skip
PALETTE = ("#0f8b8d", "#c2566a", "#8a63c9", "#8f7a00", "#b0468c", "#5f8a57", "#a06a4c", "#6b7f9c")
FONT = "DejaVu Sans"
INK = "#010203"  # a mark that becomes currentColor: figures follow the page's light or dark theme
GREY = "#8a94a3"
_PAPER, _FILE_INK = "#ffffff", "#1b2430"
_STYLE: Any = {
    "svg.fonttype": "path", "svg.hashsalt": "jaxalign", "font.size": 9, "font.family": FONT,
    "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": GREY, "xtick.color": INK, "ytick.color": INK,
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid.axis": "y", "grid.color": GREY,
    "grid.alpha": 0.3, "grid.linewidth": 0.6, "axes.axisbelow": True, "legend.frameon": False, "legend.fontsize": 8,
    "axes.titlesize": 9.5, "xtick.major.size": 0, "ytick.major.size": 0,
}  # fmt: skip


class About(NamedTuple):
    """What a figure is called and shows: the name of its file, its caption, and its subject in a few words."""

    name: str
    caption: str
    subject: str = ""


class Picture(NamedTuple):
    """One figure: file name, caption, what it shows in words, and the drawing."""

    name: str
    caption: str
    alt: str
    svg: str
    group: str = ""  # pictures of one group stand together under its name


def draw(
    about: About,
    alt: str,
    paint: Callable,
    size: tuple[float, float] = (4.8, 3.0),
    widths: tuple[float, ...] = (1.0,),
) -> Picture:
    """Returns the picture that `paint(*axes)` draws on panels side by side, one for each of `widths`; `size` in inches.

    `alt` says in words what the picture shows.
    """
    with matplotlib.rc_context(_STYLE):
        figure = _laid_out(paint, size, widths)
        return Picture(about.name, about.caption, alt, _inline(_saved(figure), about.name))


class Frame:
    """The axes of one panel, drawn once for many pictures, which write what stands inside of them.

    `paint(axes)` draws what all pictures share and sets the limits; `size` in inches.
    """

    _NAME = "name-of-the-picture"

    def __init__(self, paint: Callable[[Axes], None], size: tuple[float, float]):
        with matplotlib.rc_context(_STYLE):
            figure = _laid_out(paint, size, (1.0,))
            self._svg = _inline(_saved(figure), self._NAME)
        self._to_points: Any = figure.axes[0].transData.frozen()
        self._height = figure.bbox.height

    def place(self, points: ArrayLike) -> Float[np.ndarray, "point 2"]:
        """Points (x, y) of the axes in the picture's coordinates: points from the left and from the top."""
        return self._to_points.transform(points) * (1, -1) + (0, self._height)

    def draw(self, about: About, alt: str, inside: str) -> Picture:
        """The picture of the axes with the SVG elements `inside`; ids there begin with the name and a hyphen."""
        before, end, _ = self._svg.replace(self._NAME, about.name).rpartition("</svg>")
        return Picture(about.name, about.caption, alt, before + inside + end)


def _laid_out(paint: Callable, size: tuple[float, float], widths: tuple[float, ...]) -> Figure:
    figure = Figure(figsize=size)
    FigureCanvasSVG(figure)
    paint(*figure.subplots(1, len(widths), sharey=True, width_ratios=widths, squeeze=False)[0])
    ConstrainedLayoutEngine().execute(figure)  # as the figure's own, it would have `savefig` draw everything twice
    return figure


def _saved(figure: Figure) -> str:
    file = io.StringIO()
    figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return file.getvalue()


def _inline(svg: str, name: str) -> str:
    """Matplotlib's file as an element of a page: no prolog, no metadata, scaling, ids of its own, the page's ink."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.S)
    svg = smaller(svg)
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r'(href="|url\()#', rf"\1#{name}-", svg)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    return svg.replace(INK, "currentColor")


def file_text(picture: Picture) -> str:
    """The picture as a file of its own: dark ink on white paper, so that it can be read on a dark page as well."""
    whole = re.sub(rf'(id="|href="#|url\(#){re.escape(picture.name)}-', r"\1", picture.svg)  # no other figure is near
    whole = whole.replace("<svg", f'<svg color="{_FILE_INK}"', 1)
    opened = re.match(r"<svg[^>]*>", whole)
    assert opened is not None  # `draw` made it
    paper = f'<rect width="100%" height="100%" fill="{_PAPER}"/>'
    return '<?xml version="1.0" encoding="utf-8"?>\n' + whole[: opened.end()] + paper + whole[opened.end() :]
