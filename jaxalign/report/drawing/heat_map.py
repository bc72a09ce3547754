"""P@1 of every ordered pair of languages as coloured cells with their numbers.

Matplotlib draws the axes once for all heat maps of a page and gives colours and letters; the cells are written here. A
run has a heat map for each space, retrieval and setting, 20 in the quickstart: drawn whole by matplotlib, 42 texts in
each, they took a seventh of its time.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import matplotlib
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.textpath import TextPath, text_to_path

from jaxalign.report.drawing.svg import FONT, About, Frame, Picture
from jaxalign.report.names import setting_name
from jaxalign.report.results import MEAN, Results, Series, percent

_DARK, _LIGHT = "#1b2430", "#ffffff"  # numbers on light and on dark cells
_COMMANDS = {Path.MOVETO: "M", Path.LINETO: "L", Path.CURVE3: "Q", Path.CURVE4: "C", Path.CLOSEPOLY: "Z"}


def heat_map(results: Results, series: Series, setting: str, about: About) -> Picture:
    """P@1 of every ordered pair in one setting, percent; source down, target across."""
    codes = results.languages
    pairs = results.pairs(series, setting)
    grid = np.full((len(codes), len(codes)), np.nan)
    for (source, target), row in pairs.items():
        if MEAN not in (source, target):
            grid[codes.index(source), codes.index(target)] = 100 * row["value"]
    mean = results.mean(series, setting)
    words = f"mean {100 * mean['value']:.2f} %" if mean else ""
    alt = (
        f"Heat map of P@1 in percent for every ordered language pair, {setting_name(setting)}, {about.subject}: "
        f"{words}; {_extremes(pairs)}."
    )
    caption = f"{about.caption}, {words}" if words else about.caption
    frame = _frame(tuple(codes))
    inside = _cells(frame, grid) + (_numbers(frame, grid, about.name) if len(codes) < 20 else "")
    return frame.draw(about._replace(caption=caption), alt, inside)._replace(group=about.subject)


def _letters(languages: int) -> float:
    """Size of a number in points."""
    return 9.5 if languages < 8 else max(3.0, 70 / languages)


def _extremes(pairs: Mapping) -> str:
    values = sorted((row["value"], pair) for pair, row in pairs.items() if MEAN not in pair)
    if not values:
        return "no pair"
    (low, worst), (high, best) = values[0], values[-1]
    return f"lowest {percent(low)} from {worst[0]} to {worst[1]}; highest {percent(high)} from {best[0]} to {best[1]}"


@lru_cache(maxsize=4)
def _frame(codes: tuple[str, ...]) -> Frame:
    """The axes of a heat map of these languages; a cell is one unit wide and high."""

    def paint(axes: Axes) -> None:
        ticks, ends = np.arange(len(codes)) + 0.5, (0, max(len(codes), 1))
        axes.set(xticks=ticks, yticks=ticks, xticklabels=codes, yticklabels=codes, xlabel="target", ylabel="source")
        axes.set(xlim=ends, ylim=ends)
        axes.tick_params(labelsize=_letters(len(codes)) if len(codes) > 12 else 9)
        axes.set_aspect("equal")
        axes.invert_yaxis()
        axes.spines[:].set_visible(False)

    return Frame(paint, (3.0, 2.9))


def _cells(frame: Frame, grid: Float[np.ndarray, "source target"]) -> str:
    """A rectangle for each known figure, from light at 0 to dark at 100 percent."""
    rows, columns = np.nonzero(np.isfinite(grid))
    colours = matplotlib.colormaps["YlGnBu"](grid[rows, columns] / 100)
    (left, top), (right, bottom) = frame.place([(0, 0), (1, 1)])
    width, height = right - left, bottom - top
    made = [
        f'<rect x="{left + column * width:.2f}" y="{top + row * height:.2f}" width="{width:.2f}" '
        f'height="{height:.2f}" fill="{to_hex(colour)}"/>'
        for row, column, colour in zip(rows.tolist(), columns.tolist(), colours, strict=True)
    ]
    return f'<g shape-rendering="crispEdges">{"".join(made)}</g>'


def _numbers(frame: Frame, grid: Float[np.ndarray, "source target"], name: str) -> str:
    """The figures in the middle of their cells; each letter is drawn once and used where it stands."""
    rows, columns = np.nonzero(np.isfinite(grid))
    values = grid[rows, columns].tolist()
    texts = [f"{value:.0f}" if value >= 9.95 or value == 0 else f"{value:.1f}" for value in values]
    letters = {letter: _letter(letter, _letters(len(grid))) for letter in sorted({*"".join(texts)})}
    made: dict[str, list[str]] = {_DARK: [], _LIGHT: []}
    middles = frame.place(np.stack([columns, rows], axis=1) + 0.5)
    for value, text, (x, y) in zip(values, texts, middles.tolist(), strict=True):
        x -= sum(letters[letter].advance for letter in text) / 2
        y += letters[text[-1]].height / 2  # digits are of one height
        for letter in text:
            used = f'<use xlink:href="#{name}-letter{ord(letter)}" x="{x:.2f}" y="{y:.2f}"/>'
            made[_LIGHT if value > 55 else _DARK].append(used)
            x += letters[letter].advance
    defined = [f'<path id="{name}-letter{ord(letter)}" d="{shape.path}"/>' for letter, shape in letters.items()]
    groups = [f'<g fill="{ink}">{"".join(uses)}</g>' for ink, uses in made.items() if uses]
    return f"<defs>{''.join(defined)}</defs>{''.join(groups)}"


class _Letter(NamedTuple):
    """The outline of a letter that stands at the origin, y down, and its size in points."""

    path: str
    advance: float
    height: float


@lru_cache(maxsize=64)
def _letter(letter: str, size: float) -> _Letter:
    font = FontProperties(family=FONT, size=size)
    outline = TextPath((0, 0), letter, size, font)
    parts = []
    for points, code in outline.iter_segments(simplify=False):
        numbers = np.ravel(points).reshape(-1, 2) * (1, -1)
        parts.append(_COMMANDS[code] + ("" if code == Path.CLOSEPOLY else " ".join(f"{n:.2f}" for n in numbers.flat)))
    advance, _, _ = text_to_path.get_text_width_height_descent(letter, font, ismath=False)
    return _Letter("".join(parts), float(advance), float(outline.get_extents().y1))
