"""What was run, said around the results: title, concepts, method, settings, environment."""

from collections.abc import Mapping, Sequence

from jaxalign.report.results import Results, percent, short_model
from jaxalign.report.sections.section import Section
from jaxalign.report.tables import Table

METHOD = (
    "Every concept is one WordNet synset (or list entry) with a word in each language. A language's words, "
    "embedded by the model, form its concept space. An orthogonal map from one space to another is fitted on the "
    "seed dictionary by Procrustes analysis (SVD of the cross-covariance); the test concepts are then looked up "
    "in the other language by CSLS or cosine. P@k is the share of queries whose right answer is among the k best "
    "candidates; MRR the mean of 1 / rank. before: no map. after: map from the seed dictionary. ceiling: map from "
    "seed and test, leaky. shrunken: the map drawn towards no map as far as held-out seeds ask for. gpa: all "
    "languages turned into one shared space. null: map from a shuffled seed "
    "dictionary. ceiling_null: the leaky ceiling of a shuffled dictionary, scored on that dictionary. chance: "
    "candidates in random order. Intervals are 95 % percentile bootstraps over test concepts (Wilson's bound at 0 "
    "and 100 %)."
)


def title(results: Results) -> str:
    """The page's title: which models."""
    models = list(dict.fromkeys(short_model(series.model) for series in results.series())) or ["no model"]
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


def sections(extras: Mapping) -> list[Section]:
    """The runs that were joined, concepts, then method, settings, environment and timing."""
    return [section for section in (_runs(extras), _concepts(extras), _method(extras)) if section]


def _runs(extras: Mapping) -> Section | None:
    """Which run each model's figures are from."""
    body = [
        [run["run"], ", ".join(map(short_model, run["models"])), ", ".join(run["languages"]), run["rows"]]
        for run in extras.get("runs") or []
    ]
    text = "A figure that several runs share is taken from the first of them; the column `run` of the results names it."
    table = Table("Runs on this page", ["run", "models", "languages", "rows"], body)
    return Section("runs", "Runs", text, (), (table,)) if body else None


def _concepts(extras: Mapping) -> Section | None:
    shown = []
    if filters := extras.get("filters"):
        steps = [[name, count] for name, count in filters]
        shown.append(Table("Concepts left after each filter", ["filter", "concepts"], steps))
    if concepts := extras.get("concepts"):
        body = [[kind, count, percent(count / max(concepts["total"], 1))] for kind, count in concepts["kinds"].items()]
        shown.append(Table("Kinds", ["kind", "concepts", "percent"], body))
        if contexts := concepts.get("contexts"):
            lines = [[code, own["total"], own["fewest"], own["most"]] for code, own in contexts["sentences"].items()]
            header = ["language", "sentences", "fewest of a concept", "most"]
            shown.append(Table(f"Sentences around the words, {contexts['name']}", header, lines))
    return Section("concepts", "Concepts", "", (), tuple(shown)) if shown else None


def _method(extras: Mapping) -> Section:
    shown = []
    if timing := extras.get("timing"):
        shown.append(_time(timing))
    folded = []
    for name in ("settings", "environment"):
        flat = _flatten(extras.get(name) or {})
        if flat:
            folded.append(Table(name.capitalize(), ["name", "value"], flat))
    return Section("method", "Method and settings", METHOD, (), tuple(shown), tuple(folded))


def _time(timing: Sequence[Mapping]) -> Table:
    """Seconds of each phase; the page is written before the run ends, so that its own seconds are not in the total."""
    body = []
    for row in timing:
        phase = "total before this page" if row.get("phase") == "total" else str(row.get("phase"))
        share = row.get("share")
        seconds = round(float(row.get("seconds") or 0), 3)
        body.append([phase, seconds, None if share is None else round(100 * float(share), 1)])
    note = "timing.jsonl of the run has the same phases with the time for this page and the run's whole time."
    return Table("Time", ["phase", "seconds", "percent"], body, note)


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
