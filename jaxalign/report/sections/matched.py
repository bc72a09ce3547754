"""The paper's open question: is the gap between abstract and physical concepts owed to frequency, senses or tokens?"""

from typing import NamedTuple

from jaxalign.report.cells import PValue, ends, measured, percent
from jaxalign.report.drawing.marks import dots
from jaxalign.report.drawing.svg import About, Picture
from jaxalign.report.results import DIFFERENCE, MEAN, Results, Series, name_of, short_model
from jaxalign.report.sections.section import DRAWN, Section
from jaxalign.report.tables import Table


class _Sample(NamedTuple):
    """The two subsets of a sample after alignment: their mean rows, and the row of their difference with its p."""

    abstract: dict | None
    physical: dict | None
    gap: dict | None
    queries: int | None


def matched(results: Results, among: list[Series]) -> Section | None:
    """The abstract/physical gap as it is, down-sampled, and in matched samples."""
    samples = {series: _samples(results, series) for series in among if len(_ways(results.subsets(series))) > 2}
    body = [
        _line(name_of(series, among), way, sample)
        for series, by_way in samples.items()
        for way, sample in by_way.items()
        if sample.abstract and sample.physical
    ]
    if not body:
        return None
    pictures = _gaps(samples, among)
    for place, (series, by_way) in enumerate(list(samples.items())[:DRAWN]):
        if all(sample.abstract and sample.physical for sample in by_way.values()):
            marks = {kind: [getattr(sample, kind) for sample in by_way.values()] for kind in ("abstract", "physical")}
            title = name_of(series, among)
            caption = f"{title}: P@1 of both kinds after alignment, mean of all pairs, 95 % intervals."
            pictures.append(dots(list(by_way), marks, About(f"matched-{place}", caption, f"each sample, {title}")))
    header = ["series", "sample", "abstract queries", "abstract", "physical", "difference", "low", "high", "p"]
    text = (
        "The paper's open question: is the gap owed to frequency, senses or token count? Each of them, and all "
        "together. Percent and points of P@1; p by shuffling which concept is abstract. The last table tells how "
        "alike the matched samples are: standardised differences, below 0.1 where matched."
    )
    tables_shown = (Table("Abstract against physical, matched", header, body), *_balance(results))
    return Section("matched", "Matched samples", text, tuple(pictures), tables_shown)


def _samples(results: Results, series: Series) -> dict[str, _Sample]:
    made = {}
    for way, (left, right) in _ways(results.subsets(series)).items():
        means = [results.mean(series, "after", subset=subset) for subset in (left, right)]
        counts = [row["count"] for row in results.pairs(series, "after", left).values()][:1]
        made[way] = _Sample(means[0], means[1], _gap(results, series, left, right), *(counts or [None]))
    return made


def _line(name: str, way: str, sample: _Sample) -> list:
    assert sample.abstract and sample.physical
    values = [measured(row) for row in (sample.abstract, sample.physical)]
    tested: list = [None] * 3
    if gap := sample.gap:
        tested = [*ends(measured(gap)), None if gap["p"] is None else PValue(gap["p"])]
    return [name, way, sample.queries, *values, percent(values[0] - values[1], values[0]), *tested]


def _gaps(samples: dict[Series, dict[str, _Sample]], among: list[Series]) -> list[Picture]:
    tested = [series for series, by_way in samples.items() if any(sample.gap for sample in by_way.values())][:DRAWN]
    if not tested:
        return []
    ways = list(dict.fromkeys(way for series in tested for way in samples[series]))
    marks = {
        name_of(series, among): [samples[series][way].gap if way in samples[series] else None for way in ways]
        for series in tested
    }
    caption = (
        "Does matching remove the gap? P@1 of abstract less physical concepts after alignment, mean of all pairs, "
        "with 95 % intervals: as the test set is, down-sampled as in the paper, and matched."
    )
    axis = "abstract less physical, points of P@1"
    return [dots(ways, marks, About("gap", caption, "each sample"), xlabel=axis, zero=True)]


def _ways(subsets: list[str]) -> dict[str, tuple[str, str]]:
    """Name of each sample -> its subsets of abstract and of physical concepts."""
    duos = {"as it is": ("abstract", "physical"), "down-sampled": ("abstract", "physical_down")}
    for name in subsets:
        if name.startswith("abstract_matched"):
            way = name.removeprefix("abstract_matched")
            duos[f"matched: {way.strip('_') or 'together'}"] = (name, f"physical_matched{way}")
    return {way: duo for way, duo in duos.items() if set(duo) <= set(subsets)}


def _gap(results: Results, series: Series, left: str, right: str) -> dict | None:
    pairs = results.pairs(series, "after", f"{left} - {right}")
    p = results.pairs(series, "after", f"{left} - {right}", "P@1_p").get((MEAN, MEAN))
    return pairs[MEAN, MEAN] | {"p": p and p["value"]} if (MEAN, MEAN) in pairs else None


def _balance(results: Results) -> list[Table]:
    lines = []
    for cell, rows in results.cells.items():
        if cell.setting == "balance":
            way = cell.subset.split(DIFFERENCE)[0].removeprefix("abstract")
            name = f"matched: {way.removeprefix('_matched').strip('_') or 'together'}" if way else "as it is"
            row, trait = rows[MEAN, MEAN], cell.metric.removeprefix("difference_")
            lines.append([short_model(cell.series.model), name, trait, row["count"], row["value"]])
    header = ["model", "sample", "trait", "abstract concepts", "standardised difference"]
    return [Table("How alike the samples are, first split", header, lines)] if lines else []
