"""What was run, said around the results: title, headline, concepts, method, settings, environment."""

from collections.abc import Mapping, Sequence

from jaxalign.report import tables
from jaxalign.report.page import CITE, sentence
from jaxalign.report.sections import Section
from jaxalign.report.tables import Results, Series, Table, name_of, percent, short_model

TIED = 0.01  # share of tied queries from which a series cannot head the page
METHOD = (
    "Every concept is one WordNet synset (or list entry) with a word in each language. A language's words, "
    "embedded by the model, form its concept space. An orthogonal map from one space to another is fitted on the "
    "seed dictionary by Procrustes analysis (SVD of the cross-covariance); the test concepts are then looked up "
    "in the other language by CSLS or cosine. P@k is the share of queries whose right answer is among the k best "
    "candidates; MRR the mean of 1 / rank. before: no map. after: map from the seed dictionary. ceiling: map from "
    "seed and test, leaky. gpa: all languages turned into one shared space. null: map from a shuffled seed "
    "dictionary. ceiling_null: the leaky ceiling of a shuffled dictionary, scored on that dictionary. chance: "
    "candidates in random order. Intervals are 95 % percentile bootstraps over test concepts (Wilson's bound at 0 "
    "and 100 %)."
)


def title(results: Results) -> str:
    """The page's title: which models."""
    models = list(dict.fromkeys(short_model(one.model) for one in results.series())) or ["no model"]
    some = ", ".join(models[:4]) + (f" and {len(models) - 4} more" if len(models) > 4 else "")
    return f"Concept space alignment: {some}"


def lead(results: Results, extras: Mapping) -> str:
    """One line: languages, concepts, split, retrieval."""
    concepts = extras.get("concepts") or {}
    parts = [f"{len(results.languages)} languages ({', '.join(results.languages)})"]
    if concepts:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in concepts["kinds"].items())
        parts.append(f"{concepts['total']:,} concepts ({kinds})")
        parts.append(f"{concepts['seed']:,} in the seed dictionary, {concepts['test']:,} in the test set")
    if device := (extras.get("environment") or {}).get("device_kind"):
        parts.append(str(device))
    return "; ".join(parts) + "."


def tied(results: Results, series: Series) -> float:
    """The share of queries, all pairs, whose right answer scored the same as another candidate after alignment."""
    rows = results.pairs(series, "after", metric="ties").values()
    pairs = len(results.languages) * (len(results.languages) - 1)
    return sum(row["value"] for row in rows) / max(pairs, 1)


def best_series(results: Results) -> Series | None:
    """The series with the highest P@1 after alignment, among those that ties do not decide if there are any.

    A rank takes the better side of a tie, so that vectors that coincide would come out on top.
    """
    among = tables.last_layers(results)
    scored = [(row["value"], -i, one) for i, one in enumerate(among) if (row := results.mean(one, "after"))]
    untied = [found for found in scored if tied(results, found[2]) < TIED]
    return max(untied or scored)[2] if scored else None


def ties_note(results: Results) -> str:
    """A sentence that names the series whose P@1 ties may decide; nothing where there is none."""
    among = tables.last_layers(results)
    found = [(one, tied(results, one)) for one in among]
    named = [f"{name_of(one, among)} ({100 * share:.0f} % of queries)" for one, share in found if share >= TIED]
    if not named:
        return ""
    return f" Read with care: the right answer ties with others and P@1 takes the better side in {', '.join(named)}."


def tiles(results: Results) -> list[tuple[str, str]]:
    """The headline numbers of the series that is best after alignment."""
    best = best_series(results)
    if best is None:
        return []
    found = []
    for setting in ("after", "before", "ceiling", "null", "ceiling_null", "chance"):
        if row := results.mean(best, setting):
            value = (
                f"{100 * row['value']:.1f} %"
                if row["value"] >= 0.001 or row["value"] == 0
                else f"{100 * row['value']:.2f} %"
            )
            found.append((f"{setting}: P@1, all pairs" if setting == "after" else setting, value))
    return found


def headline(results: Results, extras: Mapping) -> Section:
    """The means of every series, best first named in words."""
    among = tables.last_layers(results)
    table = tables.headline(results, among)
    best = best_series(results)
    text = ""
    if best is not None:
        row = results.mean(best, "after") or {}
        bounds = ""
        if row.get("low") is not None:
            bounds = f" (95 % interval {percent(row['low']):.1f} to {percent(row['high']):.1f})"
        name, value = name_of(best, among), percent(row["value"])
        text = (
            f"Best after alignment: {name}, {value:.1f} % P@1 over all pairs{bounds}. The tiles above are this series."
            f"{ties_note(results)}"
        )
    return Section("headline", "Headline", text, (), (table,))


def sections(extras: Mapping) -> list[Section]:
    """Concepts, then method, settings, environment and timing."""
    return [section for section in (_concepts(extras), _method(extras)) if section]


def _concepts(extras: Mapping) -> Section | None:
    shown = []
    if filters := extras.get("filters"):
        steps = [[name, count] for name, count in filters]
        shown.append(Table("Concepts left after each filter", ["filter", "concepts"], steps))
    if concepts := extras.get("concepts"):
        body = [[kind, count, percent(count / max(concepts["total"], 1))] for kind, count in concepts["kinds"].items()]
        shown.append(Table("Kinds", ["kind", "concepts", "percent"], body))
    return Section("concepts", "Concepts", "", (), tuple(shown)) if shown else None


def _method(extras: Mapping) -> Section:
    shown = []
    if timing := extras.get("timing"):
        body = [[str(row.get("phase")), round(float(row.get("seconds") or 0), 3)] for row in timing]
        shown.append(Table("Time", ["phase", "seconds"], body))
    folded = []
    for name in ("settings", "environment"):
        flat = _flatten(extras.get(name) or {})
        if flat:
            folded.append(Table(name.capitalize(), ["name", "value"], flat))
    return Section("method", "Method and settings", METHOD, (), tuple(shown), tuple(folded))


def _flatten(record: Mapping, before: str = "") -> list[list[object]]:
    flat: list[list[object]] = []
    for name, value in record.items():
        if isinstance(value, Mapping):
            flat += _flatten(value, f"{before}{name}.")
        else:
            flat.append(
                [f"{before}{name}", ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)]
            )
    return flat


def markdown(heading: str, line: str, body: Sequence[Section], wrong: Sequence[Mapping]) -> str:
    """report.md: the same sections, figures as files."""
    parts = [f"# {_escape(heading)}\n\n{_escape(line)}\n"]
    for section in body:
        parts.append(f"## {section.title}\n")
        parts += [f"{_escape(section.text)}\n"] if section.text else []
        parts += [f"![{_escape(p.alt)}](figures/{p.name}.svg)\n\n{_escape(p.caption)}\n" for p in section.pictures]
        parts += [tables.markdown(table) for table in (*section.tables, *section.folded)]
    if wrong:
        parts.append("## Words that went wrong\n")
        first: dict[tuple, int] = {}
        for found in wrong:
            pair = (found["model"], found["embedding"], found["source"], found["target"])
            first[pair] = first.get(pair, 0) + 1
            if first[pair] <= 3:
                parts.append(f"- {found['source']}-{found['target']}: {_escape(sentence(dict(found)))}")
        parts.append("")
    return "\n".join([*parts, f"## How to cite\n\n```\n{CITE}\n```\n"])


def _escape(text: str) -> str:
    return " ".join(text.split()).replace("<", "&lt;").replace("[", "\\[").replace("]", "\\]")
