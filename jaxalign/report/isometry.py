"""How alike the spaces are without a map, on the page."""

from typing import Any

from jaxalign.report import figures
from jaxalign.report.study_sections import Section
from jaxalign.report.tables import MEAN, Results, Series, Table, name_of


def isometry(results: Results) -> Section | None:
    """How alike the spaces are without a map, each measure beside its mean on shuffled concepts."""
    found: dict[tuple[Series, str], dict] = {}
    for (series, setting, _, _, metric), rows in results.cells.items():
        if setting.startswith("isometry"):
            name, kind = (metric[:-2], "p") if metric.endswith("_p") else (metric, setting)
            found.setdefault((series, name), {})[kind] = _mean(rows)
    if not found:
        return None
    among = list(dict.fromkeys(series for series, _ in found))
    flat = [one._replace(layer=0) for one in among]
    top = {one: max(a.layer for a in among if a._replace(layer=0) == one) for one in flat}
    body, curves = [], {}  # type: ignore[var-annotated]
    deep = next((one for one in flat if top[one] and flat.count(one) > 2), None)  # the first that has layers is drawn
    for (series, metric), values in found.items():
        shown = [values.get(kind) for kind in ("isometry", "isometry_null", "isometry_calibrated", "p")]
        body.append([name_of(series, among), metric, *(None if v is None else round(v, 4) for v in shown)])
        one = series._replace(layer=0)
        if metric in ("CKA_unbiased", "RSIM", "mutual_kNN", "MEXA", "anisotropy") and one == deep:
            curves.setdefault(metric, []).append((series.layer / top[one], dict(value=values["isometry"])))
    curves = {label: sorted(points, key=lambda p: p[0]) for label, points in curves.items()}
    drawn = []
    if curves and deep:
        caption = f"{name_of(deep, flat)}: without a map, by relative depth, mean of all pairs (anisotropy: languages)."
        axis: dict[str, Any] = dict(xlim=(0, 1), ylabel="value, 1 = the same", ylim=(None, None))
        what = "likeness without a map by depth"
        drawn = [figures.lines(curves, "isometry", caption, what, "relative depth", unit=1, **axis)]
    text = (
        "CKA, RSIM, mutual kNN and MEXA rise with likeness, 1 being the same; the measures of eigenvectors and "
        "Gromov-Hausdorff are distances; effective rank and anisotropy describe one space. shuffled: the mean over "
        "shuffled dictionaries; calibrated: (value - shuffled) / (1 - shuffled); p: mean over pairs of the p-value."
    )
    header = ["series", "measure", "value", "shuffled", "calibrated", "p"]
    table = Table("Without a map, mean of all pairs", header, body)
    return Section("isometry", "How alike without a map", text, tuple(drawn), (table,))


def _mean(rows: dict) -> float | None:
    values = [row["value"] for pair, row in rows.items() if MEAN not in pair]
    return sum(values) / len(values) if values else None
