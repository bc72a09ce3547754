"""How alike the spaces are without a map, on the page."""

from jaxalign.report.cells import PValue
from jaxalign.report.drawing import figures
from jaxalign.report.drawing.figures import Axis
from jaxalign.report.drawing.svg import About, Picture
from jaxalign.report.results import MEAN, Results, Series, name_of
from jaxalign.report.sections.section import Section
from jaxalign.report.tables import Table

_DRAWN = ("CKA_unbiased", "RSIM", "mutual_kNN", "MEXA", "anisotropy")


def isometry(results: Results) -> Section | None:
    """How alike the spaces are without a map, each measure beside its mean on shuffled concepts."""
    measures: dict[tuple[Series, str], dict[str, float]] = {}
    for cell, rows in results.cells.items():
        if cell.setting.startswith("isometry"):
            name, kind = (cell.metric[:-2], "p") if cell.metric.endswith("_p") else (cell.metric, cell.setting)
            mean = _mean(rows)
            if mean is not None:
                measures.setdefault((cell.series, name), {})[kind] = mean
    if not measures:
        return None
    among = list(dict.fromkeys(series for series, _ in measures))
    body = []
    for (series, measure), values in measures.items():
        numbers = [values.get(kind) for kind in ("isometry", "isometry_null", "isometry_calibrated")]
        p = PValue(values["p"], 0.0) if "p" in values else None  # a mean over pairs has no floor of its own
        body.append([name_of(series, among), measure, *(None if v is None else round(v, 4) for v in numbers), p])
    text = (
        "CKA, RSIM, mutual kNN and MEXA rise with likeness, 1 being the same; the measures of eigenvectors and "
        "Gromov-Hausdorff are distances; effective rank and anisotropy describe one space. RSIM and the distances "
        "are of vectors after --isometry_normalize (by default unit, center, unit, as in their published scripts) and, "
        "like all here, of the concepts of this run; distances depend on their number. shuffled: the mean over "
        "shuffled dictionaries; calibrated: (value - shuffled) / (1 - shuffled); p: mean over pairs of the p-value."
    )
    header = ["series", "measure", "value", "shuffled", "calibrated", "p"]
    table = Table("Without a map, mean of all pairs", header, body)
    return Section("isometry", "How alike without a map", text, tuple(_by_depth(measures, among)), (table,))


def _by_depth(measures: dict[tuple[Series, str], dict[str, float]], among: list[Series]) -> list[Picture]:
    """The measures by relative depth, of the first series that has more than two layers."""
    bases = [series._replace(layer=0) for series in among]
    deep = next((base for base in bases if bases.count(base) > 2), None)
    if deep is None:
        return []
    last = max(series.layer for series in among if series._replace(layer=0) == deep)
    curves: dict[str, list] = {}
    for (series, measure), values in measures.items():
        if measure in _DRAWN and series._replace(layer=0) == deep and "isometry" in values:
            curves.setdefault(measure, []).append((series.layer / last, dict(value=values["isometry"])))
    curves = {label: sorted(points, key=lambda point: point[0]) for label, points in curves.items()}
    if not curves:
        return []
    caption = f"{name_of(deep, bases)}: without a map, by relative depth, mean of all pairs (anisotropy: languages)."
    axis = Axis("relative depth", "value, 1 = the same", unit=1, xlim=(0, 1), ylim=(None, None))
    return [figures.lines(curves, About("isometry", caption, "likeness without a map by depth"), axis)]


def _mean(rows: dict) -> float | None:
    values = [row["value"] for pair, row in rows.items() if MEAN not in pair]
    return sum(values) / len(values) if values else None
