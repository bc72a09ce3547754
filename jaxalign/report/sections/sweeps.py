"""P@1 against what was varied: the layer, the size of the seed dictionary, the prompt template."""

from jaxalign.report.cells import measured, percent
from jaxalign.report.drawing import figures
from jaxalign.report.drawing.figures import Axis
from jaxalign.report.drawing.marks import Shares, dots
from jaxalign.report.drawing.svg import About, Picture
from jaxalign.report.results import MEAN, Results, Series, name_of, short_model
from jaxalign.report.sections import best
from jaxalign.report.sections.section import DRAWN, Section
from jaxalign.report.tables import Table

Curves = dict[str, dict[str, list[tuple[float, dict]]]]  # setting -> label -> (x, row) points


def by_depth(results: Results) -> dict[Series, list[Series]]:
    """Series with more than two layers, by the series with its layer set to 0; layers rise."""
    layers: dict[Series, list[Series]] = {}
    for series in results.series():
        layers.setdefault(series._replace(layer=0), []).append(series)
    return {base: sorted(some, key=lambda series: series.layer) for base, some in layers.items() if len(some) > 2}


def layers(results: Results, among: list[Series]) -> Section | None:
    """P@1 by relative depth: the mean of all pairs for every embedding and pooling, and every pair of one of them."""
    measured = by_depth(results)
    deep = {base: measured[base] for series in among if (base := series._replace(layer=0)) in measured}
    curves: Curves = {"after": {}, "before": {}}
    for base, some in deep.items():
        for setting, by_label in curves.items():
            rows = [(series.layer / some[-1].layer, results.mean(series, setting)) for series in some]
            if points := [(x, row) for x, row in rows if row]:
                by_label[name_of(base, list(deep))] = points
    if not curves["after"] and not curves["before"]:
        return None
    solid, dashed = (curves["after"], curves["before"]) if curves["after"] else (curves["before"], {})
    shown = dict(list(solid.items())[: 2 * DRAWN])
    hidden = f" {len(solid) - len(shown)} more in the table." if len(solid) > len(shown) else ""
    caption = (
        "P@1 by relative depth, mean of all pairs; 0 is the embeddings, 1 the last layer. "
        f"Solid: after, dashed: before.{hidden}"
    )
    dashed = {label: points for label, points in dashed.items() if label in shown}
    about = About("layers", caption, "by relative depth of the layer")
    pictures = [figures.lines(shown, about, Axis("relative depth", xlim=(0, 1)), dashed=dashed)]
    pictures += _every_pair(results, deep, solid, "after" if curves["after"] else "before")
    table = Table("P@1 by depth, percent", ["series", "setting", "relative depth", "P@1"], _lines(curves))
    chosen = best.table(results, {name_of(base, list(deep)): some for base, some in deep.items()})
    return Section("layers", "Pooling and layers", "", tuple(pictures), (chosen,) if chosen else (), (table,))


def _every_pair(results: Results, deep: dict, solid: dict, setting: str) -> list[Picture]:
    base, some = next(iter(deep.items()))
    thin: dict[str, list] = {}
    for series in some:
        for (source, target), row in results.pairs(series, setting).items():
            if MEAN not in (source, target):
                thin.setdefault(f"{source}-{target}", []).append((series.layer / some[-1].layer, row["value"]))
    name = name_of(base, list(deep))
    if len(thin) > 200 or name not in solid:  # too many curves to tell apart
        return []
    mean = [(x, row["value"]) for x, row in solid[name]]
    about = About("layers-pairs", f"{name}: every pair, {setting}, by relative depth.", "every pair by depth")
    return [figures.every_pair(thin, mean, about, "relative depth")]


def _lines(curves: Curves) -> list[list]:
    return [
        [label, setting, round(x, 3), measured(row, with_interval=True)]
        for setting, by_label in curves.items()
        for label, points in by_label.items()
        for x, row in points
    ]


def seeds(results: Results, among: list[Series]) -> Section | None:
    """P@1 by the size of the seed dictionary, all pairs."""
    curves: Curves = {"after": {}, "shrunken": {}, "null": {}}
    for series in among:
        for setting, by_label in curves.items():
            rows = [(size, results.mean(series, setting, seed_size=size)) for size in results.sizes(series, setting)]
            points = [(float(size), row) for size, row in rows if row]
            if len(points) > 1:
                by_label[name_of(series, among)] = points
    if not curves["after"]:
        return None
    shown = dict(list(curves["after"].items())[: 2 * DRAWN])
    shown |= {f"{label}, shrunken": points for label, points in curves["shrunken"].items() if label in shown}
    caption = "P@1 by size of the seed dictionary, mean of all pairs. Solid: after, dashed: null (shuffled dictionary)."
    dashed = {label: points for label, points in curves["null"].items() if label in shown}
    about = About("seeds", caption, "by the number of seed concepts")
    picture = figures.lines(shown, about, Axis("seed concepts", xlim=(0, None)), dashed=dashed)
    table = Table(
        "P@1 by seed size, percent",
        ["series", "setting", "concepts", "P@1"],
        [[label, setting, int(size), value] for label, setting, size, value in _lines(curves)],
    )
    return Section("seeds", "Size of the seed dictionary", "", (picture,), (), (table,))


def templates(results: Results, among: list[Series]) -> Section | None:
    """How linear the spaces of each way to give a concept are: what the map adds, and after against ceiling."""
    scored = []
    for series in among:
        means = [results.mean(series, setting) for setting in ("before", "after", "ceiling")]
        if all(means):
            scored.append((series, [row for row in means if row]))
    if len({series.embedding for series, _ in scored}) < 3:
        return None
    body = []
    for series, rows in scored:
        before, after, ceiling = (measured(row, with_interval=True) for row in rows)
        reached = round(after / ceiling, 3) if ceiling else None
        body.append([name_of(series, among), before, after, ceiling, percent(after - before, after), reached])
    models = list(dict.fromkeys(series.model for series, _ in scored))[:DRAWN]
    pictures = tuple(_templates_of(model, place, scored) for place, model in enumerate(models))
    text = "Spaces that are related linearly have after close to ceiling: the map from the seed reaches the rest."
    header = ["series", "before", "after", "ceiling", "after - before", "after / ceiling"]
    table = Table("P@1 in percent, all pairs", header, body)
    return Section("templates", "Bare words, prompts and contexts", text, pictures, (table,))


def _templates_of(model: str, place: int, scored: list[tuple[Series, list[dict]]]) -> Picture:
    first: dict[str, list[dict]] = {}  # before, after and ceiling of the first retrieval and pooling of each template
    for series, rows in scored:
        if series.model == model:
            first.setdefault(series.embedding.removeprefix("prompt:"), rows)
    settings = ("before", "after", "ceiling")
    marks: dict[str, list[dict | None]] = {
        setting: [rows[number] for rows in first.values()] for number, setting in enumerate(settings)
    }
    values = [(rows[1]["value"], rows[2]["value"]) for rows in first.values()]
    shares = Shares("after / ceiling, percent", [after / ceiling if ceiling else None for after, ceiling in values])
    caption = (
        f"{short_model(model)}: what the map adds (before to after, mean of all pairs, 95 % intervals), and "
        "how much of the ceiling it reaches, for each way to give a concept to the model."
    )
    about = About(f"templates-{place}" if place else "templates", caption, f"each way to embed, {short_model(model)}")
    return dots(list(first), marks, about, link=("before", "after"), shares=shares)
