"""Groups of concepts: abstract and physical, identical forms, domains, and every subset."""

from jaxalign.report.cells import Percent, measured, measured_or_none, percent
from jaxalign.report.drawing import figures
from jaxalign.report.drawing.marks import dots
from jaxalign.report.drawing.svg import About
from jaxalign.report.names import setting_name
from jaxalign.report.results import MEAN, Results, Series, name_of
from jaxalign.report.sections.section import DRAWN, Section, queries, subset_means
from jaxalign.report.tables import Table


def kinds(results: Results, among: list[Series]) -> Section | None:
    """Abstract against physical, physical down-sampled to as many."""
    names = ["abstract", "physical_down", "physical"]
    if not any("physical_down" in results.subsets(series) for series in among) or all(
        _counts(results, series, "physical") == _counts(results, series, "physical_down") for series in among
    ):
        names.remove("physical_down")  # there was nothing to draw down
    known = [series for series in among if set(names) <= set(results.subsets(series))]
    body = [line for series in known for line in _kind_lines(results, series, among, names)]
    if not body:
        return None
    hub, others = results.hub, [code for code in results.languages if code != results.hub]
    drawn: list[dict[str, list[dict | None]]] = []
    for series in known[:DRAWN]:
        pairs = {name: results.pairs(series, "after", name) or results.pairs(series, "before", name) for name in names}
        means = {name: results.mean(series, "after", subset=name) for name in names}
        drawn.append({name: [*(rows.get((code, hub)) for code in others), means[name]] for name, rows in pairs.items()})
    top = figures.highest([row for heights in drawn for rows in heights.values() for row in rows])
    groups = [f"{code}-{hub}" for code in others] + ["all"]
    pictures = []
    for place, heights in enumerate(drawn):
        caption = f"{name_of(known[place], among)}: abstract and physical concepts after alignment."
        about = About(f"kinds-{place}", caption, f"abstract against physical, after, {name_of(known[place], among)}")
        pictures.append(figures.bars(groups, heights, about, top))
    title = "Abstract against physical: P@1 in percent, all pairs"
    table = Table(title, ["series", "setting", *names, "difference"], body)
    text = "physical_down: physical concepts drawn down to the number of abstract ones, as in the paper."
    text = text if "physical_down" in names else "As many physical concepts as abstract ones."
    return Section("kinds", "Abstract and physical concepts", text, tuple(pictures), (table,))


def _kind_lines(results: Results, series: Series, among: list[Series], names: list[str]) -> list[list]:
    lines = []
    for setting in results.settings(series):
        means = [results.mean(series, setting, subset=name) for name in names]
        if setting in ("before", "after", "ceiling") and all(means):
            values = [measured(row, with_interval=True) for row in means if row]
            change = percent(values[0] - values[1], values[0])
            lines.append([name_of(series, among), setting_name(setting), *values, change])
    return lines


def _counts(results: Results, series: Series, subset: str) -> list[int]:
    return [row["count"] for row in results.pairs(series, results.settings(series)[0], subset).values()]


_FORMS = {
    "all": "all", "identical_removed": "identical removed", "identical_removed_folded": "also without case",
    "identical_removed_plain": "nor diacritics", "loans_removed": "loans removed",
}  # fmt: skip

_SHARES = {"identical": "same form", "identical_folded": "without case", "identical_plain": "nor diacritics"}


def forms(results: Results, among: list[Series]) -> Section | None:
    """How much is owed to identical forms: scores without them, and their share in every pair."""
    pictures = []
    for place, series in enumerate(among[:DRAWN]):
        known = [subset for subset in _FORMS if subset in results.subsets(series)]
        marks = subset_means(results, series, known)
        if len(known) > 1 and marks:
            caption = (
                f"{name_of(series, among)}: P@1 without words of the same form, mean of all pairs, 95 % intervals."
            )
            about = About(f"forms-{place}", caption, f"without identical forms, {name_of(series, among)}")
            pictures.append(dots([_FORMS[subset] for subset in known], marks, about))
    shares: dict[tuple[str, str], dict[str, Percent]] = {}
    for cell, rows in results.cells.items():
        if cell.setting == "forms" and cell.subset == "all" and not cell.series.model:
            for (source, target), row in rows.items():
                if (target, source) not in shares or source == target:
                    shares.setdefault((source, target), {})[cell.metric] = measured(row)
    metrics = list(dict.fromkeys(metric for row in shares.values() for metric in row))
    body = [
        ["mean" if source == MEAN else f"{source}-{target}", *(row.get(metric) for metric in metrics)]
        for (source, target), row in shares.items()
    ]
    if not body and not pictures:
        return None
    note = (
        "Share of concepts whose two words are the same: exactly, without case, without case and diacritics, and by "
        "normalised edit distance below a third (loans). Cognates, loans and names need no meaning to be retrieved."
    )
    header = ["pair", *(_SHARES.get(metric, metric) for metric in metrics)]
    table = Table("The same form in both languages, percent of concepts", header, body, note)
    return Section("forms", "Identical forms and loans", "", tuple(pictures), (table,))


def domains(results: Results, among: list[Series]) -> Section | None:
    """P@1 of every domain with the number of its test concepts, and how many concepts it has in all."""
    pictures = []
    for place, series in enumerate(among[:DRAWN]):
        known = [name for name in results.subsets(series) if name.startswith("domain:")]
        marks = subset_means(results, series, ["all", *known])
        if known and marks:
            title = name_of(series, among)
            caption = f"{title}: P@1 by domain (queries, all splits), mean of all pairs, 95 % intervals."
            labels = [f"{name.removeprefix('domain:')} ({queries(results, series, name)})" for name in ["all", *known]]
            about = About(f"domains-{place}", caption, f"each domain (test concepts), {title}")
            pictures.append(dots(labels, marks, about))
    if not pictures:
        return None
    counts: dict[str, dict[str, int]] = {}
    for cell, rows in results.cells.items():
        if cell.metric == "concepts" and cell.subset.startswith("domain:") and not cell.series.model:
            counts.setdefault(cell.subset.removeprefix("domain:"), {})[cell.setting] = rows[MEAN, MEAN]["count"]
    body = [[name, row.get("concepts"), row.get("test")] for name, row in counts.items()]
    text = "By hyponym closure and lexicographer file of WordNet; a concept may be in several domains or in none."
    shown = (Table("Concepts of each domain", ["domain", "concepts", "in the test set"], body),) if body else ()
    return Section("domains", "Domains", text, tuple(pictures), shown)


def subsets(results: Results, among: list[Series]) -> Section | None:
    """Every subset in one table: identical forms, loans, domains, matched samples."""
    body = []
    for series in among:
        for subset in results.subsets(series):
            means = [results.mean(series, setting, subset=subset) for setting in ("before", "after", "ceiling")]
            scored = [row for row in means if row]
            if scored:
                rows = results.pairs(series, scored[-1]["setting"], subset)
                counts = [row["count"] for pair, row in rows.items() if MEAN not in pair]
                size = round(sum(counts) / len(counts)) if counts else None
                values = [measured_or_none(row, with_interval=True) for row in means]
                body.append([name_of(series, among), subset, size, *values])
    if not {row[1] for row in body} - {"all", "abstract", "physical", "physical_down"}:
        return None
    header = ["series", "subset", "queries", *map(setting_name, ("before", "after", "ceiling"))]
    table = Table("P@1 of every subset, percent, mean of all pairs", header, body)
    return Section("subsets", "Subsets", "Queries are the mean number per pair, all splits together.", (), (table,))
