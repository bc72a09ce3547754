"""Every pair, every language, tested differences and the paper's numbers."""

from jaxalign.report import paper_numbers, tables
from jaxalign.report.cells import PValue, ends, measured
from jaxalign.report.drawing import figures
from jaxalign.report.drawing.heat_map import heat_map
from jaxalign.report.drawing.svg import About, Picture
from jaxalign.report.names import setting_name
from jaxalign.report.results import DIFFERENCE, MEAN, SETTINGS, Results, Series, name_of, short_model
from jaxalign.report.sections.section import DRAWN, Section
from jaxalign.report.tables import Table


def pairs(results: Results, among: list[Series]) -> Section:
    """A heat map of all pairs for each setting."""
    pictures, folded = [], []
    for place, series in enumerate(among):
        shown = [name for name in results.settings(series) if name in SETTINGS and name != "chance"]
        title = name_of(series, among)
        if place < DRAWN:
            abouts = {setting: About(f"pairs-{place}-{setting}", setting_name(setting), title) for setting in shown}
            pictures += [heat_map(results, series, setting, about) for setting, about in abouts.items()]
        folded += [_titled(tables.matrix(results, series, setting), title) for setting in shown]
    text = "P@1 in percent, from the row's language to the column's."
    return Section("pairs", "Every language pair", text, (), (), tuple(folded), tuple(pictures))


def _titled(table: Table, name: str) -> Table:
    return table._replace(title=f"{name}: {table.title}")


def languages(results: Results, among: list[Series]) -> Section | None:
    """Before, after, ceiling and nulls for each language, to the hub as the paper does, and over all pairs."""
    hub, others = results.hub, [code for code in results.languages if code != results.hub]
    groups, heights_of = [f"{code}-{hub}" for code in others] + ["all"], {}
    for series in among[:DRAWN]:
        settings = [name for name in results.settings(series) if name in SETTINGS and name != "chance"]
        if len(groups) > figures.MANY:  # as many bars as can be told apart
            settings = [name for name in settings if name in ("before", "after")] or settings[:1]
        pairs = {setting: results.pairs(series, setting) for setting in settings}
        heights_of[series] = {
            name: [*(rows.get((code, hub)) for code in others), results.mean(series, name)]
            for name, rows in pairs.items()
        }
    top = figures.highest([row for heights in heights_of.values() for rows in heights.values() for row in rows])
    pictures = [
        _bars(f"languages-{place}", name_of(series, among), hub, groups, heights, top)
        for place, (series, heights) in enumerate(heights_of.items())
    ]
    text = (
        "A fitted map is worth what it gains on the shuffled dictionary. The leaky ceiling is fitted on the test "
        "concepts as well; with many dimensions it nears 100 % for unrelated vectors: read it beside its own shuffled "
        "dictionary."
    )
    folded = tuple(_titled(tables.precisions(results, series), name_of(series, among)) for series in among)
    return Section("languages", "With and without a map", text, tuple(pictures), (), folded)


def _bars(
    name: str, title: str, hub: str, groups: list[str], heights: dict[str, list[dict | None]], top: float
) -> Picture:
    """The bars of one series, the highest first where there are many languages."""
    order = list(range(len(groups)))
    caption = (
        f"{title}: each language to {hub}, and the mean of all ordered pairs. Lines: 95 % intervals over concepts."
    )
    if len(groups) > figures.MANY:
        last = list(heights.values())[-1]
        values = [row["value"] if row else 0.0 for row in last]
        order[:-1] = sorted(order[:-1], key=lambda number: -values[number])
        caption += " The other settings stand in the explorer and the tables."
    chosen = {setting: [rows[number] for number in order] for setting, rows in heights.items()}
    about = About(name, caption, f"{title}, every language to {hub}")
    return figures.bars([groups[number] for number in order], chosen, about, top)


def differences(results: Results, among: list[Series]) -> Section | None:
    """Every difference with its interval and the p-value of its permutation test, mean of all pairs."""
    body = []
    for cell, rows in results.cells.items():
        series, row = cell.series, rows.get((MEAN, MEAN))
        compared = DIFFERENCE in cell.setting or DIFFERENCE in cell.subset
        shown = DIFFERENCE in series.model or series in among
        if row is None or not compared or cell.metric != "P@1" or not shown:
            continue
        p = results.cells.get(cell._replace(metric="P@1_p"), {}).get((MEAN, MEAN))
        name = name_of(series, among) if series in among else f"{_short_pair(series.model)} · {series.embedding}"
        setting = setting_name(cell.setting)
        what = setting if cell.subset == "all" else f"{cell.subset} ({setting})"
        value = measured(row)
        values = [value, *ends(value)]
        body.append([name, what, *values, PValue(p["value"]) if p else None])
    if not body:
        return None
    text = (
        "Points of P@1, mean of all pairs. Settings and models are compared on the same concepts (sign-flip test), "
        "abstract and physical concepts by shuffling which is which; p is two-sided, not corrected for many tests, and "
        "of the first split where there are several. Other layers, other metrics and every pair are in the full table "
        "of the results."
    )
    header = ["series", "difference", "points", "low", "high", "p"]
    return Section("differences", "Differences with a test", text, (), (Table("Differences", header, body),))


def _short_pair(model: str) -> str:
    """`a/ONE - b/OTHER` without the folders."""
    return DIFFERENCE.join(map(short_model, model.split(DIFFERENCE)))


def paper(results: Results, among: list[Series]) -> Section | None:
    """Our numbers beside the paper's."""
    table = paper_numbers.against_paper(results)
    if not table.body:
        return None
    gaps = [row[-1] for row in table.body if isinstance(row[-1], float)]
    mean = sum(map(abs, gaps)) / len(gaps)
    text = (
        f"{len(gaps)} figures of the paper have one of ours beside them; they differ by {mean:.1f} points on average."
    )
    return Section("paper", "Beside the paper", text, (), (), (table,))
