"""Rows -> figures as self-contained SVG: letters are paths, so that no font is needed, and words stay Latin."""

import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from jaxalign.report.tables import MEAN, Results, Series, percent

COLOURS = {
    "before": "#7d8ca3", "after": "#2f6fde", "gpa": "#7a5cc9", "ceiling": "#8fc1a9", "null": "#d9822b",
    "ceiling_null": "#e8b98a", "chance": "#b0b7c3",
}  # fmt: skip
PALETTE = ("#2f6fde", "#d9822b", "#3c9a6b", "#a259c4", "#c8433c", "#5c6f82", "#b59b00", "#0f9fb5")
_INK = "#010203"  # becomes currentColor: figures follow the page's light or dark theme
_STYLE: Any = {
    "svg.fonttype": "path", "svg.hashsalt": "jaxalign", "font.size": 9, "font.family": "DejaVu Sans",
    "text.color": _INK, "axes.labelcolor": _INK, "axes.edgecolor": "#8a94a3", "xtick.color": _INK, "ytick.color": _INK,
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid.axis": "y", "grid.color": "#8a94a3",
    "grid.alpha": 0.3, "grid.linewidth": 0.6, "axes.axisbelow": True, "legend.frameon": False, "legend.fontsize": 8,
    "axes.titlesize": 9.5, "xtick.major.size": 0, "ytick.major.size": 0,
}  # fmt: skip


class Picture(NamedTuple):
    """One figure: file name, caption, what it shows in words, and the drawing."""

    name: str
    caption: str
    alt: str
    svg: str
    group: str = ""  # pictures of one group stand together under its name


def draw(
    name: str,
    caption: str,
    alt: str,
    paint: Callable,
    size: tuple[float, float] = (4.8, 3.0),
    widths: tuple[float, ...] = (1.0,),
) -> Picture:
    """A picture painted by `paint(*axes)` on panels side by side, one for each of `widths`; `size` in inches."""
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasSVG(figure)
        paint(*figure.subplots(1, len(widths), sharey=True, width_ratios=widths, squeeze=False)[0])
        file = io.StringIO()
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return Picture(name, caption, alt, _inline(file.getvalue(), name))


def _inline(svg: str, name: str) -> str:
    """Matplotlib's file as an element of a page: no prolog, no metadata, scaling, ids of its own, the page's ink."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.S)
    svg = re.sub(r'<g id="[^"]*">', "<g>", svg)
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r'(href="|url\()#', rf"\1#{name}-", svg)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    return svg.replace(_INK, "currentColor")


def file_text(picture: Picture) -> str:
    """The picture as a file of its own, black on transparent."""
    return '<?xml version="1.0" encoding="utf-8"?>\n' + picture.svg.replace("<svg", '<svg color="#1b2430"', 1)


def heat_map(results: Results, series: Series, setting: str, name: str, title: str, top: float = 100.0) -> Picture:
    """P@1 of every ordered pair in one setting, percent; source down, target across."""
    codes = results.languages
    pairs = results.pairs(series, setting)
    grid = np.full((len(codes), len(codes)), np.nan)
    for (source, target), row in pairs.items():
        if MEAN not in (source, target):
            grid[codes.index(source), codes.index(target)] = 100 * row["value"]

    size = 9.5 if len(codes) < 8 else max(3.0, 70 / len(codes))

    def paint(axes: Axes) -> None:
        axes.pcolormesh(np.ma.masked_invalid(grid), cmap="YlGnBu", vmin=0, vmax=top, edgecolors="none")
        for i, j in zip(*np.nonzero(np.isfinite(grid)), strict=True):
            value = grid[i, j]
            ink = "#ffffff" if value > 0.55 * top else "#1b2430"
            text = f"{value:.0f}" if value >= 9.95 or value == 0 else f"{value:.1f}"
            axes.text(j + 0.5, i + 0.5, text, ha="center", va="center", color=ink, fontsize=size)
        ticks = np.arange(len(codes)) + 0.5
        axes.set(xticks=ticks, yticks=ticks, xticklabels=codes, yticklabels=codes, xlabel="target", ylabel="source")
        axes.set_aspect("equal")
        axes.invert_yaxis()
        axes.spines[:].set_visible(False)

    mean = results.mean(series, setting)
    words = f"mean {100 * mean['value']:.2f} %" if mean else ""
    lowest, highest = _extremes(pairs)
    alt = (
        f"Heat map of P@1 in percent for every ordered language pair, {setting}, {title}: {words}; {lowest}; {highest}."
    )
    return draw(name, f"{setting}, {words}", alt, paint, (3.0, 2.9))._replace(group=title)


def _extremes(pairs: dict) -> tuple[str, str]:
    plain = sorted((row["value"], pair) for pair, row in pairs.items() if MEAN not in pair)
    if not plain:
        return "no pair", "no pair"
    (low, worst), (high, best) = plain[0], plain[-1]
    return (
        f"lowest {percent(low)} from {worst[0]} to {worst[1]}",
        f"highest {percent(high)} from {best[0]} to {best[1]}",
    )


def bars(
    groups: Sequence[str], heights: Mapping[str, Sequence[dict | None]], name: str, caption: str, what: str
) -> Picture:
    """Grouped bars with 95 % intervals, percent: `heights` gives for each setting or subset a row (or None) a group."""
    width = 0.84 / max(len(heights), 1)

    def paint(axes: Axes) -> None:
        for place, (label, found) in enumerate(heights.items()):
            x = np.arange(len(groups)) + (place - (len(heights) - 1) / 2) * width
            colour = COLOURS.get(label, PALETTE[place % len(PALETTE)])
            axes.bar(x, [100 * row["value"] if row else 0 for row in found], width * 0.92, label=label, color=colour)
            for at, row in zip(x, found, strict=True):
                if row and row.get("low") is not None:
                    axes.plot([at, at], [100 * row["low"], 100 * row["high"]], color=_INK, linewidth=0.9)
        axes.set(xticks=np.arange(len(groups)), xticklabels=groups, ylabel="P@1, percent", ylim=(0, None))
        axes.grid(True, axis="y")
        axes.spines["left"].set_visible(False)
        axes.legend(
            ncols=5, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2, handlelength=1, columnspacing=1.2
        )

    facts = "; ".join(
        f"{group}: " + ", ".join(f"{k} {percent(v[i]['value'])}" for k, v in heights.items() if v[i])  # type: ignore[index]
        for i, group in enumerate(groups)
    )
    return draw(name, caption, f"Bars of P@1 in percent, {what}. {facts}.", paint)


def lines(
    curves: Mapping[str, Sequence[tuple[float, dict]]],
    name: str,
    caption: str,
    what: str,
    xlabel: str,
    *,
    dashed: Mapping[str, Sequence[tuple[float, dict]]] | None = None,
    unit: float = 100,
    **axis: Any,
) -> Picture:
    """Curves of P@1 with 95 % bands: `curves` gives for each label its (x, row) points; values are shown times `unit`.

    A curve of `dashed` has the colour of the curve of the same label and no place in the legend.
    """
    dashed = dashed or {}
    columns = 3 if max(map(len, curves)) < 16 else 2 if max(map(len, curves)) < 30 else 1

    def paint(axes: Axes) -> None:
        for place, (label, points) in enumerate(curves.items()):
            colour = PALETTE[place % len(PALETTE)]
            x, y = [p[0] for p in points], [unit * p[1]["value"] for p in points]
            axes.plot(x, y, marker="o", markersize=3.5, linewidth=1.6, color=colour, label=label)
            if all(row.get("low") is not None for _, row in points):
                low, high = ([unit * row[end] for _, row in points] for end in ("low", "high"))
                axes.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)
            if other := dashed.get(label):
                y = [unit * row["value"] for _, row in other]
                axes.plot([p[0] for p in other], y, "--", linewidth=1.2, color=colour)
        axes.set(**{"xlabel": xlabel, "ylabel": "P@1, percent", "ylim": (0, None)} | axis)
        axes.grid(True)
        axes.legend(ncols=columns, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2)

    every = list(curves.items()) + [(f"{label} (dashed)", points) for label, points in dashed.items()]
    facts = "; ".join(
        f"{label}: from {_said(points[0][1]['value'], unit)} to {_said(points[-1][1]['value'], unit)}, "
        f"highest {_said(max(row['value'] for _, row in points), unit)}"
        for label, points in every
    )
    size = (4.8, 2.8 + 0.16 * -(-len(curves) // columns))
    return draw(name, caption, f"Curves, {what}. {facts}.", paint, size)


def _said(value: float, unit: float) -> float:
    return round(unit * value, 2 if unit == 100 else 3)


def bundle(
    curves: Mapping[str, Sequence[tuple[float, float]]],
    middle: Sequence[tuple[float, float]],
    name: str,
    caption: str,
    what: str,
    xlabel: str,
) -> Picture:
    """Many thin curves of P@1, percent, coloured by the first part of `FIRST-SECOND`, and their mean on top."""
    firsts = list(dict.fromkeys(label.split("-")[0] for label in curves))

    def paint(axes: Axes) -> None:
        shown = set()
        for label, points in curves.items():
            first = label.split("-")[0]
            colour = PALETTE[firsts.index(first) % len(PALETTE)]
            legend: dict[str, Any] = {} if first in shown else {"label": f"from {first}"}
            shown.add(first)
            x, y = zip(*points, strict=True)
            axes.plot(x, 100 * np.array(y), linewidth=0.8, alpha=0.75, color=colour, **legend)
        x, y = zip(*middle, strict=True)
        axes.plot(x, 100 * np.array(y), linewidth=2.4, color=_INK, label="mean")
        axes.set(xlabel=xlabel, ylabel="P@1, percent", ylim=(0, None), xlim=(0, 1))
        axes.grid(True)
        axes.legend(ncols=4, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2)

    ends = sorted((points[-1][1], label) for label, points in curves.items())
    alt = (
        f"Curves of P@1 in percent, {what}. At the last layer: lowest {ends[0][1]} {percent(ends[0][0])}, "
        f"highest {ends[-1][1]} {percent(ends[-1][0])}; the mean goes from {percent(middle[0][1])} to "
        f"{percent(middle[-1][1])}."
    )
    return draw(name, caption, alt, paint, (4.8, 3.2))


def dots(
    labels: Sequence[str],
    marks: Mapping[str, Sequence[dict | None]],
    name: str,
    caption: str,
    what: str,
    xlabel: str = "P@1, percent",
    *,
    link: tuple[str, str] | None = None,
    ratio: tuple[str, Sequence[float | None]] | None = None,
    zero: bool = False,
) -> Picture:
    """A line of marks for each label, with 95 % intervals, percent: `marks` has for each kind a row (or None) a label.

    `link` joins two kinds by a line; `ratio` adds a panel of bars, percent, under its title; `zero` marks the place
    where there is no difference.
    """

    def paint(axes: Axes, side: Axes | None = None) -> None:
        y = np.arange(len(labels))
        step = min(0.2, 0.7 / len(marks)) if link is None else 0.0
        if zero:
            axes.axvline(0, color="#8a94a3", linewidth=1)
        for height, left, right in zip(y, marks[link[0]], marks[link[1]], strict=True) if link else ():
            if left and right:
                ends = [100 * left["value"], 100 * right["value"]]
                axes.plot(ends, [height, height], color="#8a94a3", linewidth=1.4)
        for place, (kind, found) in enumerate(marks.items()):
            colour = COLOURS.get(kind, PALETTE[place % len(PALETTE)])
            at = y + (place - (len(marks) - 1) / 2) * step
            for row, height in zip(found, at, strict=True):
                if row and row.get("low") is not None:
                    axes.plot([100 * row["low"], 100 * row["high"]], [height, height], color=colour, linewidth=1.1)
            values = [100 * row["value"] if row else np.nan for row in found]
            axes.plot(values, at, "osD^vP*X"[place % 8], color=colour, label=kind, markersize=5)
        axes.set(yticks=y, yticklabels=labels, xlabel=xlabel, ylim=(len(labels) - 0.4, -0.6))
        axes.set(**({} if zero else {"xlim": (0, None)}))
        axes.grid(True, axis="x")
        columns = 3 if max(map(len, marks)) < 14 else 1
        axes.legend(ncols=columns, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2, handletextpad=0.3)
        if side is not None and ratio is not None:
            side.barh(y, [100 * (share or 0) for share in ratio[1]], 0.55, color="#8fa8d8")
            for line, share in enumerate(ratio[1]):
                if share is not None:
                    side.text(100 * share, line, f" {100 * share:.0f}", va="center", fontsize=8)
            side.set(xlabel=ratio[0], xlim=(0, max([100.0, *(125 * (s or 0) for s in ratio[1])])))
            side.spines["left"].set_visible(False)

    facts = "; ".join(
        f"{label}: " + ", ".join(f"{kind} {percent(found[i]['value'])}" for kind, found in marks.items() if found[i])  # type: ignore[index]
        for i, label in enumerate(labels)
    )
    if ratio:
        said = (f"{label} {100 * s:.0f}" for label, s in zip(labels, ratio[1], strict=True) if s is not None)
        facts += f". {ratio[0]}: " + ", ".join(said)
    above = 0.16 * (-(-len(marks) // (3 if max(map(len, marks)) < 14 else 1)) - 1)
    size = (4.8, above + 1.15 + max(0.25, 0.13 * len(marks) if link is None else 0.25) * len(labels))
    return draw(name, caption, f"Marks of {xlabel}, {what}. {facts}.", paint, size, (2.0, 1.0) if ratio else (1.0,))


def scatter(
    points: Sequence[tuple[str, float, float]], name: str, caption: str, what: str, xlabel: str, ylabel: str, **axis
):
    """Named points; names stand in a legend, coordinates in the alternative text."""

    def paint(axes: Axes) -> None:
        for place, (label, x, y) in enumerate(points):
            marker = "osD^vP*X"[place // len(PALETTE) % 8]
            axes.plot(
                [x], [y], marker, color=PALETTE[place % len(PALETTE)], label=label, markersize=6, linestyle="none"
            )
        axes.set(xlabel=xlabel, ylabel=ylabel, **axis)
        axes.grid(True, axis="both")
        axes.legend(ncols=1, loc="upper left", bbox_to_anchor=(1, 1), borderaxespad=0.2, fontsize=7)

    facts = "; ".join(f"{label}: {x:.3g}, {y:.3g}" for label, x, y in points)
    return draw(name, caption, f"Scatter, {what}; {xlabel} against {ylabel}. {facts}.", paint, (4.8, 3.0))
