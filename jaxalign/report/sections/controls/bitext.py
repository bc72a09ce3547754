"""Bitext retrieval on the page: ratio margin, F1 and MEXA of every series, next to chance."""

from jaxalign.metrics.controls.bitext import METRICS
from jaxalign.report.cells import measured
from jaxalign.report.names import setting_name
from jaxalign.report.results import MEAN, SETTINGS, Results, Series, name_of
from jaxalign.report.sections.section import Section
from jaxalign.report.tables import Table


def bitext(results: Results, among: list[Series]) -> Section | None:
    """The mean of all pairs in each setting, and of each language pair for the first series without a map."""
    body: list[list] = []
    for series in among:
        for setting in SETTINGS:
            rows = [results.pairs(series, setting, metric=metric).get((MEAN, MEAN)) for metric in METRICS]
            if all(rows):
                shown = [measured(row, with_interval=True) for row in rows if row]
                body.append([name_of(series, among), setting_name(setting), *shown])
    if not body:
        return None
    text = (
        "Margin: the cosine over the mean cosine of the 4 nearest neighbours of both sides. F1: weighted over "
        "sentences, as mteb reports bitext mining. MEXA: the translation is nearer than any other "
        "candidate and any other query. Published figures have raw cosines and all sentences as candidates "
        "(--normalize=none --candidates=test)."
    )
    header = ["series", "setting", "P@1 by margin", "F1 by margin", "F1 by cosine", "MEXA"]
    table = Table("Bitext retrieval: mean of all pairs, percent", header, body)
    pairs = _pairs(results, among)
    return Section("bitext", "Bitext retrieval", text, (), (table,), (pairs,) if pairs else ())


def _pairs(results: Results, among: list[Series]) -> Table | None:
    """Every ordered pair of the first series that has these figures without a map."""
    for series in among:
        matrices = [results.pairs(series, "before", metric=metric) for metric in METRICS]
        pairs = [pair for pair in matrices[0] if MEAN not in pair]
        if pairs:
            body = [[*pair, *(measured(matrix[pair], with_interval=True) for matrix in matrices)] for pair in pairs]
            header = ["source", "target", "P@1 by margin", "F1 by margin", "F1 by cosine", "MEXA"]
            return Table(f"{name_of(series, among)}, no map: every pair, percent", header, body)
    return None
