"""What the page asks of the results, one function a question: each returns a Section, or None without such rows."""

from jaxalign.report import figures, isometry, model_size, study_sections, tables
from jaxalign.report.study_sections import SHOWN, Section
from jaxalign.report.tables import MEAN, Results, Series, Table, name_of, percent


def results_sections(results: Results) -> list[Section]:
    """All sections that the results can fill, in the order of the page."""
    among = tables.last_layers(results)
    if not among:
        return [found for found in (isometry.isometry(results),) if found]
    makers = (
        pairs,
        languages,
        kinds,
        differences,
        *study_sections.MAKERS,
        forms,
        domains,
        subsets,
        model_size.sizes,
        paper,
    )
    found = [make(results, among) for make in makers] + [isometry.isometry(results)]
    return [section for section in found if section]


def pairs(results: Results, among: list[Series]) -> Section:
    """A heat map of all pairs for each setting."""
    pictures, folded = [], []
    for i, one in enumerate(among):
        shown = [name for name in results.settings(one) if name in tables.SETTINGS and name != "chance"]
        if i < SHOWN:
            title = name_of(one, among)
            pictures += [figures.heat_map(results, one, s, f"pairs-{i}-{s}", title) for s in shown]
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
    names = ["abstract", "physical_down", "physical"]
    if all(_counts(results, one, "physical") == _counts(results, one, "physical_down") for one in among):
        names.remove("physical_down")  # there was nothing to draw down
    for i, one in enumerate(among):
        if not set(names) <= set(results.subsets(one)):
            continue
        for setting in results.settings(one):
            means = [results.mean(one, setting, subset=name) for name in names]
            if setting in ("before", "after", "ceiling") and all(means):
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
    text = text if "physical_down" in names else "As many physical concepts as abstract ones."
    return Section("kinds", "Abstract and physical concepts", text, tuple(pictures), (table,))


def _counts(results: Results, series: Series, subset: str) -> list[int]:
    return [row["count"] for row in results.pairs(series, results.settings(series)[0], subset).values()]


def differences(results: Results, among: list[Series]) -> Section | None:
    """Every difference with its interval and the p-value of its permutation test, mean of all pairs."""
    body = []
    for (series, setting, size, subset, metric), rows in results.cells.items():
        joined = tables.DIFFERENCE in setting or tables.DIFFERENCE in subset
        models_compared = tables.DIFFERENCE in series.model
        if not joined or metric != "P@1" or (MEAN, MEAN) not in rows or not (models_compared or series in among):
            continue
        row = rows[MEAN, MEAN]
        p = results.cells.get((series, setting, size, subset, f"{metric}_p"), {}).get((MEAN, MEAN))
        name = name_of(series, among) if series in among else f"{short_pair(series.model)} · {series.embedding}"
        what = setting if subset == "all" else f"{subset} ({setting})"
        values = [percent(row[end]) if row[end] is not None else None for end in ("value", "low", "high")]
        body.append([name, what, *values, p["value"] if p else None])
    if not body:
        return None
    text = (
        "Points of P@1, mean of all pairs. Settings and models are compared on the same concepts (sign-flip test), "
        "abstract and physical concepts by shuffling which is which; p is two-sided, not corrected for many tests, and "
        "of the first split where there are several. Other layers, other metrics and every pair are in results.jsonl."
    )
    header = ["series", "difference", "points", "low", "high", "p"]
    return Section("differences", "Differences with a test", text, (), (Table("Differences", header, body),))


def short_pair(model: str) -> str:
    """`a/ONE - b/OTHER` without the folders."""
    return tables.DIFFERENCE.join(map(tables.short_model, model.split(tables.DIFFERENCE)))


def forms(results: Results, among: list[Series]) -> Section | None:
    """How much is owed to identical forms: scores without them, and their share in every pair."""
    ways = {"all": "all", "identical_removed": "identical removed", "identical_removed_folded": "also without case",
            "identical_removed_plain": "nor diacritics", "loans_removed": "loans removed"}  # fmt: skip
    pictures = []
    for i, one in enumerate(among[:SHOWN]):
        known = [way for way in ways if way in results.subsets(one)]
        marks = _marks(results, one, known)
        if len(known) > 1 and marks:
            caption = f"{name_of(one, among)}: P@1 without words of the same form, mean of all pairs, 95 % intervals."
            shown = [ways[way] for way in known]
            pictures.append(figures.dots(shown, marks, f"forms-{i}", caption, "without identical forms"))
    shares: dict[tuple[str, str], dict[str, float]] = {}
    for (_, setting, _, subset, metric), cells in results.cells.items():
        if setting == "forms" and subset == "all":
            for (source, target), row in cells.items():
                if (target, source) not in shares or source == target:
                    shares.setdefault((source, target), {})[metric] = percent(row["value"])
    metrics = list(dict.fromkeys(metric for row in shares.values() for metric in row))
    body = [
        ["mean" if source == MEAN else f"{source}-{target}", *(row.get(metric) for metric in metrics)]
        for (source, target), row in shares.items()
    ]
    if not body and not pictures:
        return None
    note = (
        "Share of concepts whose two words are one: exactly, without case, without case and diacritics, and by "
        "normalised edit distance below a third (loans). Cognates, loans and names need no meaning to be found."
    )
    table = Table("The same form in both languages, percent of concepts", ["pair", *metrics], body, note)
    return Section("forms", "Identical forms and loans", "", tuple(pictures), (table,))


def _marks(results: Results, series: Series, subsets: list[str]) -> dict[str, list[dict | None]]:
    found = {
        setting: [results.mean(series, setting, subset=subset) for subset in subsets]
        for setting in ("before", "after", "ceiling")
    }
    return {setting: rows for setting, rows in found.items() if any(rows)}


def domains(results: Results, among: list[Series]) -> Section | None:
    """P@1 of every domain with the number of its test concepts, and how many concepts it has in all."""
    pictures = []
    for i, one in enumerate(among[:SHOWN]):
        known = [name for name in results.subsets(one) if name.startswith("domain:")]
        marks = _marks(results, one, ["all", *known])
        if known and marks:
            caption = f"{name_of(one, among)}: P@1 by domain (queries, all splits), mean of all pairs, 95 % intervals."
            labels = [f"{name.removeprefix('domain:')} ({_size(results, one, name)})" for name in ["all", *known]]
            pictures.append(figures.dots(labels, marks, f"domains-{i}", caption, "each domain (test concepts)"))
    if not pictures:
        return None
    counts: dict[str, dict[str, int]] = {}
    for (_, setting, _, subset, metric), cells in results.cells.items():
        if metric == "concepts" and subset.startswith("domain:"):
            counts.setdefault(subset.removeprefix("domain:"), {})[setting] = cells[MEAN, MEAN]["count"]
    body = [[name, row.get("concepts"), row.get("test")] for name, row in counts.items()]
    text = "By hyponym closure and lexicographer file of WordNet; a concept may be in several domains or in none."
    shown = (Table("Concepts of each domain", ["domain", "concepts", "in the test set"], body),) if body else ()
    return Section("domains", "Domains", text, tuple(pictures), shown)


def _size(results: Results, series: Series, subset: str) -> int:
    rows = results.pairs(series, results.settings(series)[0], subset)
    return next((row["count"] for pair, row in rows.items() if MEAN not in pair), 0)


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
    if not {row[1] for row in body} - {"all", "abstract", "physical", "physical_down"}:
        return None
    header = ["series", "subset", "queries", "before", "after", "ceiling"]
    table = Table("P@1 of every subset, percent, mean of all pairs", header, body)
    return Section("subsets", "Subsets", "Queries are the mean number a pair, all splits together.", (), (table,))


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
