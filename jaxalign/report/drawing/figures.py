"""Bars and curves of a run's results."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from jaxalign.report.drawing.svg import COLOURS, INK, PALETTE, About, Frame, Picture, draw
from jaxalign.report.names import setting_name
from jaxalign.report.results import percent

MANY = 24  # groups of bars from which a figure has the whole width of the page
Points = Sequence[tuple[float, dict]]  # (x, row)


def bars(
    groups: Sequence[str], heights: Mapping[str, Sequence[dict | None]], about: About, top: float | None = None
) -> Picture:
    """Grouped bars with 95 % intervals, percent: `heights` gives for each setting or subset a row (or None) per group.

    `top` is the upper end of the axis in percent, so that the figures of a section can share one axis, which is then
    drawn once for all of them.
    """
    top = highest([row for rows in heights.values() for row in rows]) if top is None else top
    frame = _frame_of_bars(tuple(groups), tuple(heights), top)
    inside, width = "", 0.84 / max(len(heights), 1)
    for place, (label, rows) in enumerate(heights.items()):
        middles = np.arange(len(groups)) + (place - (len(heights) - 1) / 2) * width
        known = [(middle, row) for middle, row in zip(middles.tolist(), rows, strict=True) if row]
        inside += f'<g fill="{_colour(label, place)}">'
        inside += "".join(_bar(frame, middle, 0.92 * width, row["value"]) for middle, row in known) + "</g>"
        ends = [(middle, row["low"], row["high"]) for middle, row in known if row.get("low") is not None]
        inside += "".join(_interval(frame, middle, low, high) for middle, low, high in ends)
    said = []
    for place, group in enumerate(groups):
        shown = {label: rows[place] for label, rows in heights.items()}
        said.append(f"{group}: " + ", ".join(f"{label} {percent(row['value'])}" for label, row in shown.items() if row))
    return frame.draw(about, f"Bars of P@1 in percent, {about.subject}. {'; '.join(said)}.", inside)


def _colour(label: str, place: int) -> str:
    return COLOURS.get(label, PALETTE[place % len(PALETTE)])


def _bar(frame: Frame, middle: float, width: float, value: float) -> str:
    (left, top), (right, bottom) = frame.place([(middle - width / 2, 100 * value), (middle + width / 2, 0)])
    return f'<rect x="{left:.2f}" y="{top:.2f}" width="{right - left:.2f}" height="{bottom - top:.2f}"/>'


def _interval(frame: Frame, middle: float, low: float, high: float) -> str:
    (x, top), (_, bottom) = frame.place([(middle, 100 * high), (middle, 100 * low)])
    return f'<path d="M{x:.2f} {top:.2f}V{bottom:.2f}" stroke="currentColor" stroke-width=".9"/>'


@lru_cache(maxsize=8)
def _frame_of_bars(groups: tuple[str, ...], labels: tuple[str, ...], top: float) -> Frame:
    """The axes and the legend of bars; a group is one unit wide, its middle at a whole number."""

    def paint(axes: Axes) -> None:
        axes.set(xticks=np.arange(len(groups)), xticklabels=groups, ylabel="P@1, percent", ylim=(0, top))
        axes.set_xlim(-0.6, max(len(groups), 1) - 0.4)
        if len(groups) > 12:
            axes.tick_params(axis="x", labelsize=7 if len(groups) > MANY else 90 / len(groups), labelrotation=90)
        axes.grid(True, axis="y")
        axes.spines["left"].set_visible(False)
        marks = [Patch(color=_colour(label, place), label=setting_name(label)) for place, label in enumerate(labels)]
        axes.legend(
            handles=marks, ncols=3, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2, handlelength=1,
            columnspacing=1.2,
        )  # fmt: skip

    return Frame(paint, (11.0, 3.2) if len(groups) > MANY else (4.8, 3.0))


def highest(rows: Sequence[dict | None]) -> float:
    """The upper end of an axis, in percent, that holds every row with its interval."""
    return max([1.0, *(104 * (row.get("high") or row["value"]) for row in rows if row)])


class Axis(NamedTuple):
    """How the axes of a figure of curves are labelled; values are shown times `unit`."""

    xlabel: str
    ylabel: str = "P@1, percent"
    unit: float = 100
    xlim: tuple | None = None
    ylim: tuple = (0, None)
    names: Sequence[str] = ()  # of the places 0, 1, ... on the x axis


def lines(
    curves: Mapping[str, Points], about: About, axis: Axis, *, dashed: Mapping[str, Points] | None = None
) -> Picture:
    """Curves with 95 % bands: `curves` gives for each label its (x, row) points.

    A curve of `dashed` has the colour of the curve of the same label and no place in the legend.
    """
    dashed = dashed or {}
    columns = 3 if max(map(len, curves)) < 16 else 2 if max(map(len, curves)) < 30 else 1

    def paint(axes: Axes) -> None:
        for place, (label, points) in enumerate(curves.items()):
            colour = PALETTE[place % len(PALETTE)]
            x, y = [point[0] for point in points], [axis.unit * point[1]["value"] for point in points]
            axes.plot(x, y, marker="o", markersize=3.5, linewidth=1.6, color=colour, label=label)
            if all(row.get("low") is not None for _, row in points):
                low, high = ([axis.unit * row[end] for _, row in points] for end in ("low", "high"))
                axes.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)
            if other := dashed.get(label):
                y = [axis.unit * row["value"] for _, row in other]
                axes.plot([point[0] for point in other], y, "--", linewidth=1.2, color=colour)
        settings: dict[str, Any] = {"xlabel": axis.xlabel, "ylabel": axis.ylabel, "ylim": axis.ylim}
        axes.set(**settings | ({"xlim": axis.xlim} if axis.xlim else {}))
        if axis.names:
            axes.set_xticks(range(len(axis.names)), axis.names)
        axes.grid(True)
        axes.legend(ncols=columns, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2)

    every = list(curves.items()) + [(f"{label} (dashed)", points) for label, points in dashed.items()]
    facts = "; ".join(
        f"{label}: from {_shown(points[0][1]['value'], axis)} to {_shown(points[-1][1]['value'], axis)}, "
        f"highest {_shown(max(row['value'] for _, row in points), axis)}"
        for label, points in every
    )
    size = (4.8, 2.8 + 0.16 * -(-len(curves) // columns))
    return draw(about, f"Curves, {about.subject}. {facts}.", paint, size)


def _shown(value: float, axis: Axis) -> float:
    return round(axis.unit * value, 2 if axis.unit == 100 else 3)


def every_pair(
    curves: Mapping[str, Sequence[tuple[float, float]]], mean: Sequence[tuple[float, float]], about: About, xlabel: str
) -> Picture:
    """Many thin curves of P@1, percent, coloured by the first part of `FIRST-SECOND`, and their mean on top."""
    sources = list(dict.fromkeys(label.split("-")[0] for label in curves))

    def paint(axes: Axes) -> None:
        shown = set()
        for label, points in curves.items():
            source = label.split("-")[0]
            colour = PALETTE[sources.index(source) % len(PALETTE)]
            legend: dict[str, Any] = {} if source in shown or len(sources) > 12 else {"label": f"from {source}"}
            shown.add(source)
            x, y = zip(*points, strict=True)
            axes.plot(x, 100 * np.array(y), linewidth=0.8, alpha=0.75, color=colour, **legend)
        x, y = zip(*mean, strict=True)
        axes.plot(x, 100 * np.array(y), linewidth=2.4, color=INK, label="mean")
        axes.set(xlabel=xlabel, ylabel="P@1, percent", ylim=(0, None), xlim=(0, 1))
        axes.grid(True)
        axes.legend(ncols=4, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2)

    ends = sorted((points[-1][1], label) for label, points in curves.items())
    alt = (
        f"Curves of P@1 in percent, {about.subject}. At the last layer: lowest {ends[0][1]} {percent(ends[0][0])}, "
        f"highest {ends[-1][1]} {percent(ends[-1][0])}; the mean goes from {percent(mean[0][1])} to "
        f"{percent(mean[-1][1])}."
    )
    return draw(about, alt, paint, (4.8, 3.2))


class Point(NamedTuple):
    """One model in a figure of points: what it is called, where it stands, and which family its line belongs to."""

    name: str
    x: float
    row: Mapping
    family: str


def named_points(points: Sequence[Point], about: About, xlabel: str) -> Picture:
    """P@1 in percent against x on a logarithmic axis with plain numbers; a name on each point, lines in a family."""
    families = list(dict.fromkeys(point.family for point in points))

    def paint(axes: Axes) -> None:
        for place, family in enumerate(families):
            members = sorted((point for point in points if point.family == family), key=lambda point: point.x)
            colour = PALETTE[place % len(PALETTE)]
            x, y = [point.x for point in members], [100 * point.row["value"] for point in members]
            axes.plot(x, y, marker="o", markersize=4, linewidth=1.2, color=colour)
            for point in members:
                if point.row.get("low") is not None:
                    axes.plot([point.x] * 2, [100 * point.row["low"], 100 * point.row["high"]], color=colour)
                axes.annotate(point.name, (point.x, 100 * point.row["value"]), (5, 3), textcoords="offset points",
                              fontsize=7, color=INK)  # fmt: skip
        xs = sorted({point.x for point in points})
        axes.set(xlabel=xlabel, ylabel="P@1, percent", ylim=(0, None), xscale="log")
        low, high = xs[0] / 1.3, xs[-1] * 2.2
        ticks = [tick for tick in _PLAIN_TICKS if low <= tick <= high] or xs
        axes.set(xlim=(low, high), xticks=ticks, xticklabels=[f"{tick:g}" for tick in ticks])
        axes.set_xticks([], minor=True)
        axes.grid(True)

    facts = "; ".join(f"{point.name} ({point.x:g}): {percent(point.row['value'])}" for point in points)
    return draw(about, f"Points, {about.subject}. {facts}.", paint, (6.0, 3.6))


_PLAIN_TICKS = (0.001, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000)
