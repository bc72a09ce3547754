"""Maps whose seeds are found, on the page: identical words, and refinement by mutual neighbours."""

from jaxalign.metrics.controls.found_seeds import DIFFERENCES, SUBSET
from jaxalign.report.cells import PValue, ends, measured
from jaxalign.report.names import setting_name
from jaxalign.report.results import MEAN, Results, Series, name_of
from jaxalign.report.sections.section import Section
from jaxalign.report.tables import Table

_SETTINGS = ("before", "after", "identical", "refined", "identical_null", "refined_null")


def found(results: Results, among: list[Series]) -> Section | None:
    """P@1 of every setting over the same pairs, the tested differences, and every pair with its seeds."""
    body: list[list] = []
    compared: list[list] = []
    folded: list[list] = []
    for series in among:
        subset = SUBSET if _pairs(results, series, SUBSET) else "all"
        pairs = _pairs(results, series, subset)
        if not pairs:
            continue
        name = name_of(series, among)
        for setting in _SETTINGS:
            row = results.pairs(series, setting, subset).get((MEAN, MEAN))
            if row:
                body.append([name, setting_name(setting), len(pairs), measured(row, with_interval=True)])
        for one, other in DIFFERENCES:
            at = f"{one} - {other}", subset
            row, p = (results.pairs(series, *at, metric=metric).get((MEAN, MEAN)) for metric in ("P@1", "P@1_p"))
            if row:
                value = measured(row)
                compared.append([name, setting_name(at[0]), value, *ends(value), PValue(p["value"]) if p else None])
        folded += [[name, *pair, *_line(results, series, subset, pair)] for pair in pairs]
    if not body:
        return None
    text = (
        "What does a map need of a dictionary? Map of identical words: fitted on the seed concepts whose words are the "
        "same string in both languages. Refined map: the seed concepts that are each other's nearest neighbours after "
        "the map become its next seeds, --refine times. Shuffled: the same from seeds in a random order. All rows are "
        "means over the same pairs; where maps begin with identical words, over those pairs that have enough of them. "
        "No test concept takes part. A bare word that two languages write alike has one vector in a model: there the "
        "map of identical words changes nothing within the span of their vectors."
    )
    tables = [
        Table("P@1 in percent, mean of these pairs", ["series", "setting", "ordered pairs", "P@1"], body),
        Table("Differences, points of P@1", ["series", "difference", "points", "low", "high", "p"], compared),
    ]
    header = ["series", "source", "target", *(f"{setting_name(name)}" for name in _SETTINGS[:4])]
    header += ["identical words", "seeds of the refined map"]
    more = Table("Every pair: P@1 in percent, and seeds", header, folded)
    return Section("found-seeds", "Maps without a dictionary", text, (), tuple(tables), (more,))


def _pairs(results: Results, series: Series, subset: str) -> list[tuple[str, str]]:
    rows = results.pairs(series, "identical", subset) or results.pairs(series, "refined", subset)
    return [pair for pair in rows if MEAN not in pair]


def _line(results: Results, series: Series, subset: str, pair: tuple[str, str]) -> list[object]:
    rows = [results.pairs(series, name, subset).get(pair) for name in _SETTINGS[:4]]
    seeds = [results.pairs(series, name, subset, "seeds").get(pair) for name in _SETTINGS[2:4]]
    counts = [round(row["value"]) if row else None for row in seeds]
    return [*(measured(row, with_interval=True) if row else None for row in rows), *counts]
