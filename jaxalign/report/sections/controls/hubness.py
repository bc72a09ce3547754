"""Hubs on the page: how many neighbours crowd on few words, next to picks at random."""

from jaxalign.report.cells import Percent, measured
from jaxalign.report.names import RETRIEVAL_NAMES, setting_name
from jaxalign.report.results import MEAN, SETTINGS, Results, Series, name_of
from jaxalign.report.sections.section import Section
from jaxalign.report.tables import Table


def hubs(results: Results, among: list[Series]) -> Section | None:
    """Skewness of N_k, share of the top hubs and reciprocity in each setting, mean of all pairs."""
    body: list[list] = []
    for series in among:
        retrieval = RETRIEVAL_NAMES.get(series.retrieval, series.retrieval)
        for setting in SETTINGS:
            row = results.pairs(series, setting, metric="hubness_skew").get((MEAN, MEAN))
            if row:
                shares = [_share(results, series, setting, metric) for metric in ("hub_share", "reciprocity")]
                numbers = [_number(row), *shares, _above_chance(results, series, setting)]
                body.append([name_of(series, among), retrieval, setting_name(setting), *numbers])
    if not body:
        return None
    text = (
        "N_10 counts how many queries have a word among their 10 nearest. Skewness 0: words are found about equally "
        "often; a hub is a word that many queries find. Top hubs: the share of all neighbour places that 1 % of the "
        "words hold. Leads back: the nearest word of the other language has the query as its own nearest. Chance: "
        "every query picks its neighbours at random; the last column counts the pairs whose skewness is above such "
        "picks (p <= .05)."
    )
    header = ["series", "retrieval", "setting", "skewness of N_10", "top hubs", "leads back", "pairs above chance"]
    table = Table("Hubs: mean of all pairs, shares in percent", header, body)
    return Section("hubness", "Hubs", text, (), (table,))


def _number(row: dict) -> str:
    interval = "" if row["low"] == row["high"] else f" ({row['low']:.2f} to {row['high']:.2f})"
    return f"{row['value']:.2f}{interval}"


def _share(results: Results, series: Series, setting: str, metric: str) -> Percent | None:
    row = results.pairs(series, setting, metric=metric).get((MEAN, MEAN))
    return measured(row, with_interval=True) if row else None


def _above_chance(results: Results, series: Series, setting: str) -> str | None:
    rows = results.pairs(series, setting, metric="hubness_skew_p")
    return f"{sum(row['value'] <= 0.05 for row in rows.values())} of {len(rows)}" if rows else None
