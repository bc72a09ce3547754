"""Figures of two languages' concepts in two dimensions, before and after the map."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from jaxalign.report.drawing.svg import GREY, PALETTE, About, Picture, draw
from jaxalign.report.names import setting_name

_COLOURS = (PALETTE[0], PALETTE[1])  # of the language and of the hub


def clouds(points: Mapping[str, list], code: str, hub: str, about: About) -> Picture:
    """Two panels, no map and fitted map: points of both languages, a line from each concept to its translation.

    `points` holds the coordinates `before`, `after` and `hub`, (concept, 2) each.
    """
    spots = {name: np.asarray(points[name], float) for name in ("before", "after", "hub")}

    def paint(*panels: Axes) -> None:
        for axes, name in zip(panels, ("before", "after"), strict=True):
            ends = np.stack([spots[name], spots["hub"]], axis=1)
            axes.add_collection(LineCollection(list(ends), colors=GREY, linewidths=0.4, alpha=0.5))
            for rows, colour, label in ((spots[name], _COLOURS[0], code), (spots["hub"], _COLOURS[1], hub)):
                axes.plot(rows[:, 0], rows[:, 1], "o", markersize=2.2, color=colour, label=label, linestyle="none")
            axes.set(title=setting_name(name), xticks=[], yticks=[], xlim=(-1050, 1050), ylim=(-1050, 1050))
            axes.spines[:].set_visible(False)
        panels[0].legend(loc="lower left", ncols=2, handletextpad=0.1)

    lengths = {name: float(np.linalg.norm(spots[name] - spots["hub"], axis=1).mean()) for name in ("before", "after")}
    alt = (
        f"Two clouds of points, {about.subject}. Mean distance in the picture from a concept to its translation: "
        f"{lengths['before']:.0f} without a map, {lengths['after']:.0f} with the fitted map, thousandths of its size."
    )
    return draw(about, alt, paint, (6.0, 3.1), (1.0, 1.0))
