"""The series that heads the page, and the table of every series' means."""

from typing import NamedTuple

from jaxalign.report import tables
from jaxalign.report.results import Results, Series, last_layers, name_of, percent
from jaxalign.report.sections.section import Section

TIED = 0.01  # share of tied queries from which a series cannot head the page


class Tile(NamedTuple):
    """One headline number and what it is."""

    label: str
    value: str
    main: bool = False


def tied(results: Results, series: Series) -> float:
    """The share of queries, all pairs, whose right answer scored the same as another candidate after alignment."""
    rows = results.pairs(series, "after", metric="ties").values()
    pairs = len(results.languages) * (len(results.languages) - 1)
    return sum(row["value"] for row in rows) / max(pairs, 1)


def best_series(results: Results) -> Series | None:
    """The series with the highest P@1 after alignment among the last layers, without those that ties decide.

    Where ties decide every series, the highest of them all; None where nothing was scored after alignment.
    """
    among = last_layers(results)
    scored = [
        (row["value"], -place, series) for place, series in enumerate(among) if (row := results.mean(series, "after"))
    ]
    untied = [entry for entry in scored if tied(results, entry[2]) < TIED]
    return max(untied or scored)[2] if scored else None


def ties_note(results: Results) -> str:
    """A sentence that names the series whose P@1 ties may decide; nothing where there is none."""
    among = last_layers(results)
    shares = [(series, tied(results, series)) for series in among]
    named = [f"{name_of(series, among)} ({100 * share:.0f} % of queries)" for series, share in shares if share >= TIED]
    if not named:
        return ""
    return f" Read with care: the right answer ties with other candidates in {', '.join(named)}."


def tiles(results: Results) -> list[Tile]:
    """The headline numbers of the series that is best after alignment."""
    best = best_series(results)
    if best is None:
        return []
    shown = []
    for setting in ("after", "before", "ceiling", "null", "ceiling_null", "chance"):
        if row := results.mean(best, setting):
            value = (
                f"{100 * row['value']:.1f} %"
                if row["value"] >= 0.001 or row["value"] == 0
                else f"{100 * row['value']:.2f} %"
            )
            label = f"{setting}: P@1, all pairs" if setting == "after" else setting
            shown.append(Tile(label, value, setting == "after"))
    return shown


def headline(results: Results) -> Section:
    """The means of every series, best first named in words."""
    among = last_layers(results)
    table = tables.headline(results, among)
    best = best_series(results)
    text = ""
    if best is not None:
        row = results.mean(best, "after") or {}
        bounds = ""
        if row.get("low") is not None:
            bounds = f" (95 % interval {percent(row['low']):.1f} to {percent(row['high']):.1f})"
        name, value = name_of(best, among), percent(row["value"])
        text = (
            f"Best after alignment among the last layers: {name}, {value:.1f} % P@1 over all pairs{bounds}. The tiles "
            f"above and the wrong words below are this series.{ties_note(results)}"
        )
    return Section("headline", "Headline", text, (), (table,))
