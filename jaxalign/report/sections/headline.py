"""The series that heads the page, and the table of every series' means."""

from typing import NamedTuple

from jaxalign.metrics.rows import MEAN
from jaxalign.report import tables
from jaxalign.report.names import setting_name, share, short_percent
from jaxalign.report.results import Results, Series, last_layers, name_of
from jaxalign.report.sections.best import corrected
from jaxalign.report.sections.section import Section

TIED = 0.01  # share of tied queries from which a series cannot head the page


class Tile(NamedTuple):
    """One headline number and what it is."""

    label: str
    value: str
    main: bool = False


def tied(results: Results, series: Series) -> float:
    """The share of queries, all pairs, whose right answer scored the same as another candidate after alignment."""
    rows = results.pairs(series, "after", metric="ties")
    scored = [pair for pair in results.pairs(series, "after") if MEAN not in pair]
    return sum(row["value"] for pair, row in rows.items() if MEAN not in pair) / max(len(scored), 1)


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
    """The headline numbers of the series that is best after alignment, under plain names."""
    best = best_series(results)
    if best is None:
        return []
    shown = []
    for setting in ("after", "shrunken", "before", "null", "ceiling", "ceiling_null", "chance"):
        if row := results.mean(best, setting):
            shown.append(Tile(setting_name(setting), f"{short_percent(row['value'])} %", setting == "after"))
    return shown


def headline(results: Results) -> Section:
    """The means of every series, best first named in words."""
    among = last_layers(results)
    table = tables.headline(results, among)
    best = best_series(results)
    header = [table.header[0], *map(setting_name, table.header[1:])]
    shrunken = "shrunken map: between the two (see below); " if "shrunken map" in header else ""
    note = (
        "Mean over all ordered pairs, last layer of each. no map: before; fitted map: after, from the seed dictionary; "
        f"{shrunken}"
        "leaky ceiling: fitted on the test concepts too; shuffled: the same with a shuffled dictionary. In the rows of "
        "the results these are before, after, ceiling, null and ceiling_null."
    )
    text = ""
    if best is not None:
        choices = sum(bool(results.mean(series, "after")) for series in among)
        tested = corrected(results, best, "after", choices) if choices > 1 else ""
        null = results.mean(best, "null") if choices > 1 else None
        shuffled = f"with a shuffled dictionary it has {share(null)}" if null else ""
        beside = "; ".join(part for part in (tested, shuffled) if part)
        beside = f" ({beside})" if beside else ""
        text = (
            f"Best with the fitted map among the last layers: {name_of(best, among)}{beside}. The sentences "
            f"and tiles above and the wrong words below are this series.{ties_note(results)}"
        )
    return Section("headline", "Every series", text, (), (table._replace(header=header, note=note),))
