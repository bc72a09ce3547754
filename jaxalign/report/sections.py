"""What the page asks of the results, one function a question: each returns a Section, or None without such rows."""

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


def results_sections(results: Results) -> list[Section]:
    """All sections that the results can fill, in the order of the page."""
    among = tables.last_layers(results)
    if not among:
        return [found for found in (isometry(results),) if found]
    makers = (pairs, languages, kinds, matched, layers, seeds, templates, subsets, paper)
    found = [make(results, among) for make in makers] + [isometry(results)]
    return [section for section in found if section]


def pairs(results: Results, among: list[Series]) -> Section:
    """A heat map of all pairs for each setting."""
    pictures, folded = [], []
    for i, one in enumerate(among):
        shown = [name for name in results.settings(one) if name in tables.SETTINGS and name != "chance"]
        if i < SHOWN:
            title = name_of(one, among)
            drawn = [figures.heat_map(results, one, s, f"pairs-{i}-{s}", title) for s in shown]
            pictures += [p._replace(caption=f"{title}: {p.caption}") if len(among) > 1 else p for p in drawn]
        folded += [_named(tables.matrix(results, one, setting), name_of(one, among)) for setting in shown]
    text = "P@1 in percent, from the row's language to the column's."
    if len(among) > SHOWN:
        text += f" The first {SHOWN} of {len(among)} series are drawn; the tables hold them all."
    return Section("pairs", "Every language pair", text, tuple(pictures), (), tuple(folded))


def _named(table: Table, name: str) -> Table:
    return table._replace(title=f"{name}: {table.title}")


def languages(results: Results, among: list[Series]) -> Section | None:
    """Before, after, ceiling and nulls for each language, to the hub as the paper does, and over all pairs."""
    pictures = []
    hub, others = results.hub, [code for code in results.languages if code != results.hub]
    for i, one in enumerate(among[:SHOWN]):
        heights: dict[str, list[dict | None]] = {}
        for setting in results.settings(one):
            found = results.pairs(one, setting)
            if setting in tables.SETTINGS and setting != "chance":
                heights[setting] = [found.get((code, hub)) for code in others] + [results.mean(one, setting)]
        groups = [f"{code}-{hub}" for code in others] + ["all"]
        title = name_of(one, among)
        caption = (
            f"{title}: each language to {hub}, and the mean of all ordered pairs. Lines: 95 % intervals over concepts."
        )
        pictures.append(figures.bars(groups, heights, f"languages-{i}", caption, f"{title}, every language to {hub}"))
    text = (
        "A map is worth what after gains on null, the same fit on a shuffled dictionary. The ceiling is fitted on the "
        "test concepts as well; with many dimensions it nears 100 % for unrelated vectors: read it beside ceiling_null."
    )
    folded = tuple(_named(tables.precisions(results, one), name_of(one, among)) for one in among)
    return Section("languages", "Before, after, ceiling and null", text, tuple(pictures), (), folded)


def kinds(results: Results, among: list[Series]) -> Section | None:
    """Abstract against physical, physical down-sampled to as many."""
    pictures, body = [], []
    hub, others = results.hub, [code for code in results.languages if code != results.hub]
    for i, one in enumerate(among):
        names = [name for name in ("abstract", "physical_down", "physical") if name in results.subsets(one)]
        if "abstract" not in names or len(names) < 2:
            continue
        for setting in results.settings(one):
            means = [results.mean(one, setting, subset=name) for name in names]
            if setting in tables.SETTINGS and all(means):
                values = [percent(row["value"]) for row in means if row]
                body.append([name_of(one, among), setting, *values, round(values[0] - values[1], 2)])
        if i < SHOWN:
            heights: dict[str, list[dict | None]] = {}
            for name in names:
                found = results.pairs(one, "after", name) or results.pairs(one, "before", name)
                heights[name] = [found.get((code, hub)) for code in others] + [results.mean(one, "after", subset=name)]
            groups = [f"{code}-{hub}" for code in others] + ["all"]
            caption = f"{name_of(one, among)}: abstract and physical concepts after alignment."
            pictures.append(figures.bars(groups, heights, f"kinds-{i}", caption, "abstract against physical, after"))
    if not body:
        return None
    table = Table(
        "Abstract against physical: P@1 in percent, all pairs", ["series", "setting", *names, "difference"], body
    )
    text = "physical_down: physical concepts drawn down to the number of abstract ones, as in the paper."
    return Section("kinds", "Abstract and physical concepts", text, tuple(pictures), (table,))


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


def subsets(results: Results, among: list[Series]) -> Section | None:
    """Every subset in one table: identical forms, loans, domains, matched samples."""
    body = []
    for one in among:
        for subset in results.subsets(one):
            means = [results.mean(one, setting, subset=subset) for setting in ("before", "after", "ceiling")]
            known = [row for row in means if row]
            if known:
                count = results.pairs(one, known[-1]["setting"], subset)
                each = [row["count"] for pair, row in count.items() if MEAN not in pair]
                size = round(sum(each) / len(each)) if each else None
                body.append(
                    [name_of(one, among), subset, size, *(percent(row["value"]) if row else None for row in means)]
                )
    if not body or len({row[1] for row in body}) < 2:
        return None
    header = ["series", "subset", "queries", "before", "after", "ceiling"]
    table = Table("P@1 of every subset, percent, mean of all pairs", header, body)
    return Section("subsets", "Subsets", "Queries are the mean number a pair.", (), (table,))


def paper(results: Results, among: list[Series]) -> Section | None:
    """Our numbers beside the paper's."""
    table = tables.against_paper(results)
    if not table.body:
        return None
    gaps = [row[-1] for row in table.body if isinstance(row[-1], float)]
    mean = sum(map(abs, gaps)) / len(gaps)
    text = (
        f"{len(gaps)} figures of the paper have one of ours beside them; they differ by {mean:.1f} points on average."
    )
    return Section("paper", "Beside the paper", text, (), (), (table,))


def isometry(results: Results) -> Section | None:
    """How alike the spaces are without a map, each measure beside its mean on shuffled concepts."""
    found: dict[tuple[Series, str], dict] = {}
    for (series, setting, _, _, metric), pairs_of in results.cells.items():
        if setting in ("isometry", "isometry_null"):
            found.setdefault((series, metric), {})[setting] = pairs_of
    if not found:
        return None
    among = list(dict.fromkeys(series for series, _ in found))
    top = {
        one._replace(layer=0): max(a.layer for a in among if a._replace(layer=0) == one._replace(layer=0))
        for one in among
    }
    body: list[list] = []
    curves: dict[tuple[str, Series], list] = {}
    for (series, metric), both in found.items():
        value, null = (_mean(both.get(setting, {})) for setting in ("isometry", "isometry_null"))
        if value is not None:
            body.append([name_of(series, among), metric, round(value, 4), None if null is None else round(null, 4)])
            depth = series.layer / (top[series._replace(layer=0)] or 1)
            curves.setdefault((metric, series._replace(layer=0)), []).append((depth, dict(value=value)))
    pictures = []
    curves = {key: sorted(points, key=lambda p: p[0]) for key, points in curves.items() if len(points) > 2}
    bounded = {f"{m} {short}": points for (m, s), points in curves.items() if (short := s.embedding)
               and m in ("CKA_unbiased", "RSIM", "mutual_kNN", "MEXA")}  # fmt: skip
    if bounded:
        shown = dict(list(bounded.items())[: 2 * SHOWN])
        picture = figures.lines(shown, "isometry", "Without a map, by relative depth, in hundredths; mean of all pairs.",
                                "likeness without a map by depth", "relative depth", ylabel="value x 100")  # fmt: skip
        pictures.append(picture)
    text = "CKA, RSIM, mutual kNN and MEXA rise with likeness, 1 being the same; the others are distances."
    table = Table("Without a map, mean of all pairs", ["series", "measure", "value", "shuffled"], body)
    return Section("isometry", "How alike without a map", text, tuple(pictures), (table,))


def _mean(rows: dict) -> float | None:
    values = [row["value"] for pair, row in rows.items() if MEAN not in pair]
    return sum(values) / len(values) if values else None
