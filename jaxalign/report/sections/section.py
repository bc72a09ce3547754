"""One part of the page, and what several parts need to fill theirs."""

from collections.abc import Sequence
from typing import NamedTuple

from jaxalign.report.drawing.svg import Picture
from jaxalign.report.results import MEAN, Results, Series
from jaxalign.report.tables import Table

DRAWN = 4  # series drawn one by one; tables hold them all


class Section(NamedTuple):
    """One part of the page; `text` is plain words."""

    key: str
    title: str
    text: str = ""
    pictures: tuple[Picture, ...] = ()
    tables: tuple[Table, ...] = ()
    folded: tuple[Table, ...] = ()  # tables behind a click
    files: tuple[Picture, ...] = ()  # figures of report.md that the page shows in another form


def subset_means(results: Results, series: Series, subsets: Sequence[str]) -> dict[str, list[dict | None]]:
    """The mean over all pairs in each subset, by setting; settings without any are left out."""
    means = {
        setting: [results.mean(series, setting, subset=subset) for subset in subsets]
        for setting in ("before", "after", "ceiling")
    }
    return {setting: rows for setting, rows in means.items() if any(rows)}


def queries(results: Results, series: Series, subset: str) -> int:
    """The number of queries of a pair in a subset."""
    rows = results.pairs(series, results.settings(series)[0], subset)
    return next((row["count"] for pair, row in rows.items() if MEAN not in pair), 0)
