"""Panels side by side: for each setting, a curve per layer against the step of training."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes

from jaxalign.report.drawing.svg import About, Picture, draw
from jaxalign.report.results import percent

Curves = Mapping[int, Sequence[tuple[float, dict]]]  # layer -> (step, row) points
NAMED = 6  # layers named in the legend
BANDED = 6  # layers up to which each curve has its interval


class Panel(NamedTuple):
    """One setting: its title, its curves, and those of its null."""

    title: str
    curves: Curves
    nulls: Curves


def by_layer(panels: Sequence[Panel], about: About, unit: str) -> Picture:
    """P@1 in percent by step (logarithmic above the first), a colour for each layer, dashed for the null."""
    layers = sorted({layer for panel in panels for layer in panel.curves})
    steps = sorted({step for panel in panels for points in panel.curves.values() for step, _ in points})
    colours = dict(zip(layers, colormaps["viridis"](np.linspace(0.05, 0.82, len(layers))), strict=True))
    named = {layers[round(place)] for place in np.linspace(0, len(layers) - 1, min(NAMED, len(layers)))}

    def paint(*every: Axes) -> None:
        for panel, axes in zip(panels, every, strict=True):
            for layer, points in panel.curves.items():
                x, y = [step for step, _ in points], [100 * row["value"] for _, row in points]
                label = f"layer {layer}" if layer in named else None
                axes.plot(x, y, marker="o", markersize=2.5, linewidth=1.4, color=colours[layer], label=label)
                if len(layers) <= BANDED and all(row.get("low") is not None for _, row in points):
                    low, high = ([100 * row[end] for _, row in points] for end in ("low", "high"))
                    axes.fill_between(x, low, high, color=colours[layer], alpha=0.15, linewidth=0)
            for layer, points in panel.nulls.items():
                if layer in colours:
                    y = [100 * row["value"] for _, row in points]
                    axes.plot([step for step, _ in points], y, "--", linewidth=1.0, color=colours[layer])
            _steps(axes, steps, unit)
            axes.set_title(panel.title)
        every[0].set(ylabel="P@1, percent", ylim=(0, None))
        every[0].figure.legend(*every[0].get_legend_handles_labels(), ncols=len(named), loc="outside upper center")

    facts = []
    for panel in panels:
        points = panel.curves[max(panel.curves)]
        best_layer, best = max(
            ((layer, row) for layer, some in panel.curves.items() for _, row in some), key=lambda pair: pair[1]["value"]
        )
        facts.append(
            f"{panel.title}: last layer from {percent(points[0][1]['value'])} to {percent(points[-1][1]['value'])}, "
            f"highest {percent(best['value'])} at layer {best_layer}"
        )
    return draw(about, f"Curves, {about.subject}. {'; '.join(facts)}.", paint, (7.6, 3.1), (1.0,) * len(panels))


def _steps(axes: Axes, steps: Sequence[float], unit: str) -> None:
    above = [step for step in steps if step > 0]
    axes.set_xscale("symlog", linthresh=above[0], linscale=0.4)
    ticks = [step for step in (0, *(10.0**power for power in range(1, 16))) if steps[0] <= step <= steps[-1]]
    ends = sorted({steps[0], steps[-1], *ticks})
    kept = [tick for tick in ends if tick in (steps[0], steps[-1]) or 1.6 * tick < steps[-1] and tick > 1.6 * steps[0]]
    axes.set(xticks=kept, xticklabels=[short_number(tick) for tick in kept], xlabel=unit, xlim=(steps[0], steps[-1]))
    axes.minorticks_off()
    axes.grid(True)


def short_number(number: float) -> str:
    """`900`, `143k`, `4B`: a number of steps or tokens for an axis."""
    for size, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:g}{letter}"
    return f"{number:g}"
