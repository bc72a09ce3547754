"""What hits depend on, on the page: odds ratios of a regression on all confounds, and P@1 at their average."""

from jaxalign.report.cells import PValue, measured
from jaxalign.report.names import setting_name
from jaxalign.report.results import MEAN, Cell, Results, Series, name_of
from jaxalign.report.sections.section import Section
from jaxalign.report.tables import Table

_SETTINGS = ("before", "after", "null")
_NAMES = {
    "frequency": "frequency (per SD)", "senses": "senses (per SD)", "form_overlap": "form overlap (per SD)",
    "tokens_source": "tokens of the query (per SD)", "tokens_target": "tokens of the answer (per SD)",
    "equal_tokens": "equally many tokens (yes/no)", "abstract": "abstract (yes/no)",
}  # fmt: skip


def odds(results: Results, among: list[Series]) -> Section | None:
    """Odds ratios of all pairs at once, and P@1 as it is, at the average, and of words with equally many tokens."""
    body: list[list] = []
    scores: list[list] = []
    for series in among:
        for setting in _SETTINGS:
            average = results.pairs(series, setting, metric="P@1_at_average").get((MEAN, MEAN))
            if not average:
                continue
            body += _lines(results, series, setting, among)
            equal = results.mean(series, setting, subset="equal_tokens")
            plain = results.mean(series, setting)
            shown = [measured(row, with_interval=True) if row else None for row in (plain, average, equal)]
            scores.append([name_of(series, among), setting_name(setting), *shown])
    if not body:
        return None
    text = (
        "A logistic regression of hits on all confounds at once, over all pairs, with errors clustered by concept. "
        "Odds ratio 1: no effect; above 1: words with more of it are found more often, everything else equal. SD: "
        "standard deviation. At the average: P@1 of a pair and concept that are average in everything. The shuffled "
        "dictionary shows what the regression finds without any alignment."
    )
    first = Table("Odds ratios with 95 % intervals", ["series", "setting", "confound", "odds ratio", "p"], body)
    header = ["series", "setting", "as it is", "at the average", "equally many tokens"]
    second = Table("P@1, percent, all pairs", header, scores)
    return Section("confounds", "What hits depend on", text, (), (first, second))


def _lines(results: Results, series: Series, setting: str, among: list[Series]) -> list[list]:
    made = []
    for cell, rows in results.cells.items():
        row = rows.get((MEAN, MEAN))
        if cell.series != series or cell.setting != setting or row is None or not cell.metric.startswith("odds_"):
            continue
        if cell.metric.endswith("_p"):
            continue
        tested = results.cells.get(Cell(*cell[:4], f"{cell.metric}_p"), {}).get((MEAN, MEAN))
        name = cell.metric.removeprefix("odds_")
        number = f"{row['value']:.2f} ({row['low']:.2f} to {row['high']:.2f})"
        p = PValue(tested["value"]) if tested else None
        made.append([name_of(series, among), setting_name(setting), _NAMES.get(name, name), number, p])
    return made
