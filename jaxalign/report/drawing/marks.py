"""Figures of marks on lines: several values with intervals for each label."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

from jaxalign.report.drawing.svg import COLOURS, GREY, PALETTE, About, Picture, draw
from jaxalign.report.names import setting_name
from jaxalign.report.results import percent


class Shares(NamedTuple):
    """A panel of bars at the right of the marks: its title, and a fraction (or None) for each label."""

    title: str
    values: Sequence[float | None]


def dots(
    labels: Sequence[str],
    marks: Mapping[str, Sequence[dict | None]],
    about: About,
    *,
    xlabel: str = "P@1, percent",
    link: tuple[str, str] | None = None,
    shares: Shares | None = None,
    zero: bool = False,
) -> Picture:
    """A line of marks for each label, with 95 % intervals, percent.

    `marks` has for each kind a row (or None) per label;
    `link` joins two kinds by a line; `shares` adds a panel of bars, percent, under its title; `zero` marks the place
    where there is no difference.
    """
    columns = 3 if max(map(len, marks)) < 14 else 1

    def paint(axes: Axes, side: Axes | None = None) -> None:
        if zero:
            axes.axvline(0, color=GREY, linewidth=1)
        y = np.arange(len(labels))
        _links(axes, marks, link)
        _marks(axes, y, marks, 0.0 if link else min(0.2, 0.7 / len(marks)))
        axes.set(yticks=y, yticklabels=labels, xlabel=xlabel, ylim=(len(labels) - 0.4, -0.6))
        axes.set(**({} if zero else {"xlim": (0, None)}))
        axes.grid(True, axis="x")
        axes.legend(ncols=columns, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2, handletextpad=0.3)
        if side is not None and shares is not None:
            _bars(side, shares)

    alt = f"Marks of {xlabel}, {about.subject}. {_facts(labels, marks, shares)}."
    above = 0.16 * (-(-len(marks) // columns) - 1)
    size = (4.8, above + 1.15 + max(0.25, 0.13 * len(marks) if link is None else 0.25) * len(labels))
    return draw(about, alt, paint, size, (2.0, 1.0) if shares else (1.0,))


def _marks(axes: Axes, y: np.ndarray, marks: Mapping[str, Sequence[dict | None]], step: float) -> None:
    for place, (kind, rows) in enumerate(marks.items()):
        colour = COLOURS.get(kind, PALETTE[place % len(PALETTE)])
        heights = y + (place - (len(marks) - 1) / 2) * step
        for row, height in zip(rows, heights, strict=True):
            if row and row.get("low") is not None:
                axes.plot([100 * row["low"], 100 * row["high"]], [height, height], color=colour, linewidth=1.1)
        values = [100 * row["value"] if row else np.nan for row in rows]
        axes.plot(values, heights, "osD^vP*X"[place % 8], color=colour, label=setting_name(kind), markersize=5)


def _links(axes: Axes, marks: Mapping[str, Sequence[dict | None]], link: tuple[str, str] | None) -> None:
    if link is None:
        return
    for height, (left, right) in enumerate(zip(marks[link[0]], marks[link[1]], strict=True)):
        if left and right:
            axes.plot([100 * left["value"], 100 * right["value"]], [height, height], color=GREY, linewidth=1.4)


def _bars(axes: Axes, shares: Shares) -> None:
    heights = np.arange(len(shares.values))
    axes.barh(heights, [100 * (share or 0) for share in shares.values], 0.55, color=GREY)
    for height, share in enumerate(shares.values):
        if share is not None:
            axes.text(100 * share, height, f" {100 * share:.0f}", va="center", fontsize=8)
    axes.set_xlabel(shares.title, loc="right")  # a title longer than the panel goes to the left, inside the picture
    axes.set(xlim=(0, max([100.0, *(125 * (share or 0) for share in shares.values)])))
    axes.spines["left"].set_visible(False)


def _facts(labels: Sequence[str], marks: Mapping[str, Sequence[dict | None]], shares: Shares | None) -> str:
    said = []
    for place, label in enumerate(labels):
        rows = {kind: rows[place] for kind, rows in marks.items()}
        said.append(f"{label}: " + ", ".join(f"{kind} {percent(row['value'])}" for kind, row in rows.items() if row))
    facts = "; ".join(said)
    if shares:
        values = zip(labels, shares.values, strict=True)
        facts += f". {shares.title}: " + ", ".join(f"{label} {100 * v:.0f}" for label, v in values if v is not None)
    return facts
