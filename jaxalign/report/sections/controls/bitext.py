"""Bitext retrieval on the page: ratio margin, F1 and MEXA of every series, next to chance."""

from jaxalign.metrics.controls.bitext import METRICS
from jaxalign.report.cells import PValue, measured
from jaxalign.report.names import setting_name
from jaxalign.report.results import MEAN, SETTINGS, Results, Series, name_of
from jaxalign.report.sections.section import Section
from jaxalign.report.tables import Table

_OVER_LAYERS = ("mean", "max", "max_null", "max_p", "max_held_out", "max_layer")


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
    over, pairs = _over_layers(results, among), _pairs(results, among)
    tables = (table, over) if over else (table,)
    return Section("bitext", "Bitext retrieval", text, (), tables, (pairs,) if pairs else ())


def _over_layers(results: Results, among: list[Series]) -> Table | None:
    """MEXA's mean and maximum over layers of each language, the maximum with its null."""
    body: list[list] = []
    for series in among:
        found = {name: results.pairs(series, "before", metric=f"MEXA_{name}") for name in _OVER_LAYERS}
        for pair, row in found["mean"].items():
            numbers = [
                measured(found[name][pair], with_interval=True) for name in ("mean", "max", "max_null", "max_held_out")
            ]
            layer = found["max_layer"].get(pair)
            chosen = f"{layer['value']:.0f} of {layer['count']}" if layer else "each its own"
            p = PValue(found["max_p"][pair]["value"])
            name = "mean of languages" if pair == (MEAN, MEAN) else f"{row['source']}, {row['target']}"
            body.append([name_of(series, among), name, *numbers[:2], chosen, *numbers[2:3], p, numbers[3]])
    if not body:
        return None
    highest = ["highest layer", "layer, of how many", "null", "p", "chosen elsewhere"]
    header = ["series", "languages", "mean of layers", *highest]
    note = (
        "No map. Null: the highest of all layers with the right answers permuted, in the same way in every layer. "
        "Chosen elsewhere: the layer that the other half of the concepts chose. MEXA's authors report the mean and the "
        "highest layer with English as the pivot and means weighted by position (--pooling=rising_mean "
        "--special_tokens=include --layers=all)."
    )
    return Table("MEXA over layers, percent", header, body, note)


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
