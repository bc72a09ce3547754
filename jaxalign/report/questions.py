"""What a study asks beyond the main tables: matching, layers, seed sizes, templates, sizes, likeness without a map."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from jaxalign.report import figures, tables
from jaxalign.report.figures import Picture
from jaxalign.report.tables import MEAN, Results, Series, Table, name_of, percent

SHOWN = 4  # series drawn one by one; tables hold them all


class Section(NamedTuple):
    """One part of the page; `text` is plain words."""

    key: str
    title: str
    text: str = ""
    pictures: tuple[Picture, ...] = ()
    tables: tuple[Table, ...] = ()
    folded: tuple[Table, ...] = ()  # tables behind a click


def matched(results: Results, among: list[Series]) -> Section | None:
    """The abstract/physical gap as it is, and with concepts matched on frequency, senses, tokens."""
    pictures, body = [], []
    for i, one in enumerate(among):
        found = results.subsets(one)
        ways = [n.removeprefix("abstract_matched") for n in found if n.startswith("abstract_matched")]
        ways = [way for way in ways if f"physical_matched{way}" in found]
        if not ways:
            continue
        duos = [("all", "abstract", "physical")]
        duos += [(way.strip("_") or "matched", f"abstract_matched{way}", f"physical_matched{way}") for way in ways]
        rows = [
            (name, results.mean(one, "after", subset=a), results.mean(one, "after", subset=p)) for name, a, p in duos
        ]
        rows = [row for row in rows if row[1] and row[2]]
        for name, abstract, physical in rows:
            values = [percent(row["value"]) for row in (abstract, physical) if row]
            body.append([name_of(one, among), name, *values, round(values[0] - values[1], 2)])
        if i < SHOWN and rows:
            heights = {"abstract": [row[1] for row in rows], "physical": [row[2] for row in rows]}
            caption = (
                f"{name_of(one, among)}: does the gap remain when the samples are matched? After alignment, all pairs."
            )
            picture = figures.bars([row[0] for row in rows], heights, f"matched-{i}", caption, "samples matched")
            pictures.append(picture)
    if not body:
        return None
    header = ["series", "matched on", "abstract", "physical", "difference"]
    text = "The paper's open question: frequency, senses and token count, each alone and together."
    return Section("matched", "Matched samples", text, tuple(pictures), (Table("P@1 in percent", header, body),))


def layers(results: Results, among: list[Series]) -> Section | None:
    """P@1 by relative depth, all pairs."""
    curves: dict[str, list] = {}
    flat = [one._replace(layer=0) for one in among]
    for one in results.series():
        top = next(a.layer for a in among if a._replace(layer=0) == one._replace(layer=0))
        name = name_of(one._replace(layer=0), flat)
        for setting in ("before", "after"):
            if top and (row := results.mean(one, setting)):
                curves.setdefault(f"{name} {setting}", []).append((one.layer / top, row))
    curves = {name: sorted(points, key=lambda p: p[0]) for name, points in curves.items() if len(points) > 2}
    if not curves:
        return None
    shown = dict(list(curves.items())[: 2 * SHOWN])
    caption = "P@1 by relative depth, mean of all pairs; 0 is the embeddings, 1 the last layer."
    picture = figures.lines(shown, "layers", caption, "by relative depth of the layer", "relative depth", xlim=(0, 1))
    body = [[name, round(x, 3), percent(row["value"])] for name, points in curves.items() for x, row in points]
    table = Table("P@1 by depth, percent", ["series", "relative depth", "P@1"], body)
    return Section("layers", "Layers", "", (picture,), (), (table,))


def seeds(results: Results, among: list[Series]) -> Section | None:
    """P@1 by the size of the seed dictionary, all pairs."""
    curves: dict[str, list] = {}
    for one in among:
        for setting in ("after", "null"):
            points = [(size, results.mean(one, setting, seed_size=size)) for size in results.sizes(one, setting)]
            points = [point for point in points if point[1]]
            if len(points) > 1:
                curves[f"{name_of(one, among)} {setting}"] = points
    if not curves:
        return None
    shown = dict(list(curves.items())[: 2 * SHOWN])
    picture = figures.lines(shown, "seeds", "P@1 by size of the seed dictionary, mean of all pairs.",
                            "by the number of seed concepts", "seed concepts")  # fmt: skip
    body = [[name, x, percent(row["value"])] for name, points in curves.items() for x, row in points]
    return Section("seeds", "Size of the seed dictionary", "", (picture,), (),
                   (Table("P@1 by seed size, percent", ["series", "seed concepts", "P@1"], body),))  # fmt: skip


def templates(results: Results, among: list[Series]) -> Section | None:
    """How linear each prompt template's spaces are: after against ceiling, and what the map adds to before."""
    body, points = [], []
    for one in among:
        before, after, ceiling = (results.mean(one, setting) for setting in ("before", "after", "ceiling"))
        if before and after and ceiling:
            b, a, c = (percent(row["value"]) for row in (before, after, ceiling))
            body.append([name_of(one, among), b, a, c, round(a - b, 2), round(a / c, 3) if c else None])
            points.append((name_of(one, among), c, a))
    if len({one.embedding for one in among}) < 3 or not points:
        return None
    text = "Spaces that are related linearly have after close to ceiling: the map from the seed reaches the rest."
    picture = figures.scatter(points, "templates", "After against ceiling for each way to embed, mean of all pairs.",
                              "one point a template", "ceiling P@1, percent", "after P@1, percent")  # fmt: skip
    header = ["series", "before", "after", "ceiling", "after - before", "after / ceiling"]
    return Section(
        "templates", "Prompt templates", text, (picture,), (Table("P@1 in percent, all pairs", header, body),)
    )


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
    for (series, metric), values in found.items():
        shown = [values.get(kind) for kind in ("isometry", "isometry_null", "isometry_calibrated", "p")]
        body.append([name_of(series, among), metric, *(None if v is None else round(v, 4) for v in shown)])
        one = series._replace(layer=0)
        if metric in ("CKA_unbiased", "RSIM", "mutual_kNN", "MEXA") and top[one]:
            label = metric if len(set(flat)) == 1 else f"{metric} {name_of(one, flat)}"
            curves.setdefault(label, []).append((series.layer / top[one], dict(value=values["isometry"])))
    curves = {label: sorted(points, key=lambda p: p[0]) for label, points in curves.items() if len(points) > 2}
    drawn = []
    if curves:
        first = dict(list(curves.items())[: 2 * SHOWN])
        caption = "Without a map, by relative depth, in hundredths; mean of all pairs."
        what = "likeness without a map by depth"
        drawn = [figures.lines(first, "isometry", caption, what, "relative depth", ylabel="value x 100")]
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


# Billions of parameters where a name does not tell; facts of the model cards.
_SIZES = {"mt0-small": 0.3, "mt0-base": 0.58, "mt0-large": 1.2, "mt0-xl": 3.7, "mt0-xxl": 13.0, "aya-101": 13.0}
_OTHER_SCRIPTS = set(
    "am ar as be bg bn el fa gu he hi hy ja ka km kn ko lo mk ml mr my ne or pa ru si sr ta te th uk ur zh".split()
)


def parameters(model: str, known: Mapping[str, int] | None = None) -> float | None:
    """Billions of parameters: as counted, as the model's card says, or read off a name like 7b, 1b7 or 560m."""
    if known and model in known:
        return known[model] / 1e9
    name = tables.short_model(model).lower()
    if name in _SIZES:
        return _SIZES[name]
    found = re.search(r"(?<![a-z0-9])(\d+)(?:\.(\d+))?b(\d*)(?![a-z0-9])", name)
    if found:
        return float(f"{found[1]}.{found[2] or found[3] or 0}")
    found = re.search(r"(?<![a-z0-9])(\d+)m(?![a-z0-9])", name)
    return int(found[1]) / 1000 if found else None


def sizes(results: Results, among: list[Series]) -> Section | None:
    """P@1 after alignment by model size: all pairs, and pairs into the hub by script."""
    models = list(dict.fromkeys(one.model for one in among))
    if len(models) < 2:
        return None
    latin = [code for code in results.languages if code not in _OTHER_SCRIPTS and code != results.hub]
    rest = [code for code in results.languages if code in _OTHER_SCRIPTS and code != results.hub]
    body: list[list] = []
    curves: dict[str, list] = {}
    for one in among:
        size, mean = (
            parameters(one.model, results.parameters),
            results.mean(one, "after") or results.mean(one, "before"),
        )
        if mean is None:
            continue
        pairs = results.pairs(one, mean["setting"])
        groups = [_group(pairs, codes, results.hub) for codes in (latin, rest)]
        body.append([name_of(one, among), size, percent(mean["value"]), *groups])
        if size:
            curves.setdefault(f"{one.embedding} {one.retrieval}", []).append((size, mean))
    curves = {name: sorted(points, key=lambda p: p[0]) for name, points in curves.items() if len(points) > 1}
    shown = dict(list(curves.items())[: 2 * SHOWN])
    caption = "P@1 after alignment by model size, mean of all pairs."
    drawn = (
        [figures.lines(shown, "sizes", caption, "by model size", "billions of parameters", xscale="log")]
        if shown
        else []
    )
    header = [
        "series",
        "billion parameters",
        "all pairs",
        f"Latin script to {results.hub}",
        f"other scripts to {results.hub}",
    ]
    return Section("sizes", "Models compared", "", tuple(drawn), (Table("P@1 after alignment, percent", header, body),))


def _group(pairs: dict, codes: list[str], hub: str) -> float | None:
    found = [pairs[code, hub]["value"] for code in codes if (code, hub) in pairs]
    return percent(sum(found) / len(found)) if found else None


MAKERS = (matched, layers, seeds, templates, sizes)
