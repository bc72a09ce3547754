"""What a study asks beyond the main tables: matching, layers, seed sizes, templates."""

from typing import NamedTuple

from jaxalign.report import figures, tables
from jaxalign.report.figures import Picture
from jaxalign.report.tables import DIFFERENCE, MEAN, Results, Series, Table, name_of, percent

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
    """The paper's open question: the abstract/physical gap as it is, down-sampled, and in matched samples."""
    pictures, body = [], []
    gaps: dict[str, dict[str, dict | None]] = {}
    ways: list[str] = []
    for i, one in enumerate(among):
        duos = _ways(results.subsets(one))
        if len(duos) < 3:
            continue
        rows = {
            way: (results.mean(one, "after", subset=left), results.mean(one, "after", subset=right))
            for way, (left, right) in duos.items()
        }
        gap = {way: _gap(results, one, *duo) for way, duo in duos.items()}
        for way, (abstract, physical) in rows.items():
            if abstract and physical:
                values, found = [percent(row["value"]) for row in (abstract, physical)], gap[way]
                size = [row["count"] for row in results.pairs(one, "after", duos[way][0]).values()][:1]
                more = [percent(found[end]) for end in ("low", "high")] + [found["p"]] if found else [None] * 3
                body.append([name_of(one, among), way, *size, *values, round(values[0] - values[1], 2), *more])
        if len(gaps) < SHOWN and any(gap.values()):
            gaps[name_of(one, among)] = gap
            ways += [way for way in gap if way not in ways]
        if i < SHOWN and all(all(duo) for duo in rows.values()):
            marks = {kind: [duo[side] for duo in rows.values()] for side, kind in enumerate(("abstract", "physical"))}
            caption = f"{name_of(one, among)}: P@1 of both kinds after alignment, mean of all pairs, 95 % intervals."
            pictures.append(figures.dots(list(rows), marks, f"matched-{i}", caption, "each sample"))
    if not body:
        return None
    if gaps:
        marks = {name: [gap.get(way) for way in ways] for name, gap in gaps.items()}
        caption = (
            "Does matching remove the gap? P@1 of abstract less physical concepts after alignment, mean of all pairs, "
            "with 95 % intervals: as the test set is, down-sampled as in the paper, and matched."
        )
        axis = "abstract less physical, points of P@1"
        pictures.insert(0, figures.dots(ways, marks, "gap", caption, "each sample", axis, zero=True))
    header = ["series", "sample", "abstract queries", "abstract", "physical", "difference", "low", "high", "p"]
    text = (
        "The paper's open question: is the gap owed to frequency, senses or token count? Each alone and together. "
        "Percent and points of P@1; p by shuffling which concept is abstract. How alike the matched samples are stands "
        "below: standardised differences, below 0.1 where matched."
    )
    tables_shown = (Table("Abstract against physical, matched", header, body), *_balance(results))
    return Section("matched", "Matched samples", text, tuple(pictures), tables_shown)


def _ways(subsets: list[str]) -> dict[str, tuple[str, str]]:
    """Name of each sample -> its subsets of abstract and of physical concepts."""
    duos = {"as it is": ("abstract", "physical"), "down-sampled": ("abstract", "physical_down")}
    for name in subsets:
        if name.startswith("abstract_matched"):
            way = name.removeprefix("abstract_matched")
            duos[f"matched: {way.strip('_') or 'together'}"] = (name, f"physical_matched{way}")
    return {way: duo for way, duo in duos.items() if set(duo) <= set(subsets)}


def _gap(results: Results, series: Series, left: str, right: str) -> dict | None:
    pairs = results.pairs(series, "after", f"{left} - {right}")
    p = results.pairs(series, "after", f"{left} - {right}", "P@1_p").get((MEAN, MEAN))
    return pairs[MEAN, MEAN] | {"p": p and p["value"]} if (MEAN, MEAN) in pairs else None


def _balance(results: Results) -> list[Table]:
    rows = []
    for (series, setting, _, subset, metric), cells in results.cells.items():
        if setting == "balance":
            way = subset.split(DIFFERENCE)[0].removeprefix("abstract")
            name = f"matched: {way.removeprefix('_matched').strip('_') or 'together'}" if way else "as it is"
            row = cells[MEAN, MEAN]
            trait = metric.removeprefix("difference_")
            rows.append([tables.short_model(series.model), name, trait, row["count"], row["value"]])
    header = ["model", "sample", "trait", "abstract concepts", "standardised difference"]
    return [Table("How alike the samples are, first split", header, rows)] if rows else []


def layers(results: Results, among: list[Series]) -> Section | None:
    """P@1 by relative depth: the mean of all pairs for every embedding and pooling, and every pair of one of them."""
    curves: dict[str, dict[str, list]] = {"after": {}, "before": {}}
    flat = [one._replace(layer=0) for one in among]
    by_series: dict[Series, list[Series]] = {}
    for one in results.series():
        by_series.setdefault(one._replace(layer=0), []).append(one)
    deep = {base: sorted(some, key=lambda s: s.layer) for base, some in by_series.items() if len(some) > 2}
    deep = {base: deep[base] for base in flat if base in deep}
    for base, some in deep.items():
        for setting, found in curves.items():
            points = [(s.layer / some[-1].layer, row) for s in some if (row := results.mean(s, setting))]
            if points:
                found[name_of(base, list(deep))] = points
    if not curves["after"] and not curves["before"]:
        return None
    solid, dashed = (curves["after"], curves["before"]) if curves["after"] else (curves["before"], {})
    shown = dict(list(solid.items())[: 2 * SHOWN])
    hidden = f" {len(solid) - len(shown)} more in the table." if len(solid) > len(shown) else ""
    caption = (
        "P@1 by relative depth, mean of all pairs; 0 is the embeddings, 1 the last layer. "
        f"Solid: after, dashed: before.{hidden}"
    )
    dashed = {label: points for label, points in dashed.items() if label in shown}
    what = "by relative depth of the layer"
    pictures = [figures.lines(shown, "layers", caption, what, "relative depth", xlim=(0, 1), dashed=dashed)]
    base, some = next(iter(deep.items()))
    setting = "after" if curves["after"] else "before"
    thin: dict[str, list] = {}
    for one in some:
        for (source, target), row in results.pairs(one, setting).items():
            if MEAN not in (source, target):
                thin.setdefault(f"{source}-{target}", []).append((one.layer / some[-1].layer, row["value"]))
    middle = [(x, row["value"]) for x, row in solid[name_of(base, list(deep))]]
    caption = f"{name_of(base, list(deep))}: every pair, {setting}, by relative depth."
    pictures.append(figures.bundle(thin, middle, "layers-pairs", caption, "every pair by depth", "relative depth"))
    body = [
        [name, setting, round(x, 3), percent(row["value"])]
        for setting, found in curves.items()
        for name, points in found.items()
        for x, row in points
    ]
    table = Table("P@1 by depth, percent", ["series", "setting", "relative depth", "P@1"], body)
    return Section("layers", "Pooling and layers", "", tuple(pictures), (), (table,))


def seeds(results: Results, among: list[Series]) -> Section | None:
    """P@1 by the size of the seed dictionary, all pairs."""
    curves: dict[str, dict[str, list]] = {"after": {}, "null": {}}
    for one in among:
        for setting, found in curves.items():
            points = [(size, results.mean(one, setting, seed_size=size)) for size in results.sizes(one, setting)]
            points = [point for point in points if point[1]]
            if len(points) > 1:
                found[name_of(one, among)] = points
    if not curves["after"]:
        return None
    shown = dict(list(curves["after"].items())[: 2 * SHOWN])
    caption = "P@1 by size of the seed dictionary, mean of all pairs. Solid: after, dashed: null (shuffled dictionary)."
    dashed = {label: points for label, points in curves["null"].items() if label in shown}
    picture = figures.lines(shown, "seeds", caption, "by the number of seed concepts", "seed concepts",
                            dashed=dashed, xlim=(0, None))  # fmt: skip
    body = [
        [name, setting, x, percent(row["value"])]
        for setting, found in curves.items()
        for name, points in found.items()
        for x, row in points
    ]
    return Section("seeds", "Size of the seed dictionary", "", (picture,), (),
                   (Table("P@1 by seed size, percent", ["series", "setting", "concepts", "P@1"], body),))  # fmt: skip


def templates(results: Results, among: list[Series]) -> Section | None:
    """How linear each prompt template's spaces are: what the map adds to before, and after against ceiling."""
    body, found = [], []
    for one in among:
        rows = [results.mean(one, setting) for setting in ("before", "after", "ceiling")]
        if all(rows):
            b, a, c = (percent(row["value"]) for row in rows if row)
            body.append([name_of(one, among), b, a, c, round(a - b, 2), round(a / c, 3) if c else None])
            found.append((one, rows, a / c if c else None))
    if len({one.embedding for one in among}) < 3 or not found:
        return None
    pictures = []
    for i, model in enumerate(list(dict.fromkeys(one.model for one, *_ in found))[:SHOWN]):
        first: dict[str, tuple] = {}  # the first retrieval and pooling of each template
        for one, rows, share in found:
            if one.model == model:
                first.setdefault(one.embedding.removeprefix("prompt:"), (rows, share))
        marks = {name: [rows[k] for rows, _ in first.values()] for k, name in enumerate(("before", "after", "ceiling"))}
        caption = (
            f"{tables.short_model(model)}: what the map adds (before to after, mean of all pairs, 95 % intervals), and "
            "how much of the ceiling it reaches, for each template."
        )
        ratio = ("after / ceiling, percent", [share for _, share in first.values()])
        name = f"templates-{i}" if i else "templates"
        pictures.append(figures.dots(list(first), marks, name, caption, "each way to embed",
                                     link=("before", "after"), ratio=ratio))  # fmt: skip
    text = "Spaces that are related linearly have after close to ceiling: the map from the seed reaches the rest."
    header = ["series", "before", "after", "ceiling", "after - before", "after / ceiling"]
    return Section(
        "templates", "Prompt templates", text, tuple(pictures), (Table("P@1 in percent, all pairs", header, body),)
    )


MAKERS = (matched, layers, seeds, templates)
