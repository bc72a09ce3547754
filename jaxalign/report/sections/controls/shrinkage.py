"""Shrunken maps on the page: the lambda of each pair, and the curves from the plain map to none."""

from collections import Counter

from jaxalign.metrics.controls.shrinkage_curve import HELD_OUT, INFINITE, TEST
from jaxalign.report.cells import measured
from jaxalign.report.drawing import figures
from jaxalign.report.drawing.figures import About, Axis
from jaxalign.report.results import MEAN, Results, Series, name_of
from jaxalign.report.sections.section import Section
from jaxalign.report.tables import Table


def shrinkage(results: Results, among: list[Series]) -> Section | None:
    """P@1 of the test concepts by lambda, mean of all pairs, and how often each lambda was chosen."""
    body, curves = [], {}
    for series in among:
        chosen = results.pairs(series, "shrunken", metric="shrinkage")
        if (MEAN, MEAN) not in chosen:
            continue
        name, points = name_of(series, among), []
        counts = Counter(row["value"] for pair, row in chosen.items() if MEAN not in pair)
        for place, value in enumerate(_lambdas(results, series)):
            rows = [
                results.pairs(series, "shrunken", metric=f"{metric}{value:g}").get((MEAN, MEAN))
                for metric in (TEST, HELD_OUT)
            ]
            cells = [measured(row, with_interval=metric == 0) if row else None for metric, row in enumerate(rows)]
            body.append([name, _shown(value), *cells, counts.get(min(value, INFINITE), 0)])
            if rows[0]:
                points.append((float(place), rows[0]))
        curves[name] = points
    if not body:
        return None
    text = (
        "The shrunken map is the polar factor of X'Y + lambda s I: lambda 0 is the fitted map, infinity no map. Each "
        "pair's lambda is chosen by cross-validation inside the seed dictionary, by the mean reciprocal rank of "
        "held-out seeds; P@1 of the test concepts stands beside it, nothing is chosen by it."
    )
    about = About("shrinkage", "P@1 by lambda of the shrunken map, mean of all pairs.", "from the fitted map to no map")
    labels = list(dict.fromkeys(str(row[1]) for row in body))
    axis = Axis("lambda", names=labels)
    header = ["series", "lambda", "P@1, percent", "MRR of held-out seeds, percent", "pairs that chose it"]
    table = Table("Shrunken maps: mean of all pairs", header, body)
    picture = figures.lines(curves, about, axis)
    return Section("shrinkage", "From the fitted map to no map", text, (picture,), (table,))


def _lambdas(results: Results, series: Series) -> list[float]:
    names = {cell.metric for cell in results.cells if cell.series == series and cell.metric.startswith(TEST)}
    return sorted(float(name.removeprefix(TEST)) for name in names)


def _shown(value: float) -> str:
    return "no map" if value == float("inf") else "0 (fitted)" if value == 0 else f"{value:g}"
