"""Rows -> tables: one figure for each series, matrices of pairs, and the distance to the paper's numbers."""

import csv
from collections.abc import Iterable, Sequence
from importlib import resources
from typing import NamedTuple

SETTINGS = ("before", "after", "gpa", "ceiling", "null", "ceiling_null", "chance")
MEAN = "mean"
DIFFERENCE = " - "  # joins the names of what a row compares


class Series(NamedTuple):
    """What a curve or matrix belongs to: all columns of a row that do not say which figure it is."""

    model: str
    embedding: str
    pooling: str
    layer: int
    retrieval: str
    csls_k: int
    candidates: str
    completion: str


class Table(NamedTuple):
    """A titled table; numbers stay numbers so that the page can sort them."""

    title: str
    header: Sequence[str]
    body: Sequence[Sequence[object]]
    note: str = ""


class Results:
    """Rows by series, setting, seed size, subset and metric; each a dictionary of pairs."""

    def __init__(self, rows: Iterable[dict]):
        self.cells: dict[tuple, dict[tuple[str, str], dict]] = {}
        self.languages: list[str] = []
        self.parameters: dict[str, int] = {}  # of each model, where they were counted
        for row in rows:
            if row["metric"] == "parameters":
                self.parameters[row["model"]] = int(row["value"])
            series = Series(*(row[name] for name in Series._fields))
            key = (series, row["setting"], row["seed_size"], row["subset"], row["metric"])
            self.cells.setdefault(key, {})[row["source"], row["target"]] = row
            for code in (row["source"], row["target"]):
                if code != MEAN and code not in self.languages:
                    self.languages.append(code)
        self._settings: dict[Series, dict[str, list[int]]] = {}
        for series, setting, size, _, _ in self.cells:
            sizes = self._settings.setdefault(series, {}).setdefault(setting, [])
            if size not in sizes:
                sizes.append(size)
        self.hub = "en" if "en" in self.languages else (self.languages or [""])[0]

    def series(self) -> list[Series]:
        """Every series that has a retrieval score, in the order of the rows."""
        return [one for one, settings in self._settings.items() if set(settings) & set(SETTINGS)]

    def settings(self, series: Series) -> list[str]:
        """The settings of a series, the known ones first and in their usual order."""
        found = self._settings.get(series, {})
        return [name for name in SETTINGS if name in found] + [name for name in found if name not in SETTINGS]

    def sizes(self, series: Series, setting: str) -> list[int]:
        """Seed sizes of a setting, rising."""
        return sorted(self._settings.get(series, {}).get(setting, []))

    def pairs(self, series: Series, setting: str, subset="all", metric="P@1", seed_size: int | None = None) -> dict:
        """(source, target) -> row; the largest seed dictionary unless `seed_size` says otherwise."""
        sizes = [seed_size] if seed_size is not None else reversed(self.sizes(series, setting))
        for size in sizes:
            if found := self.cells.get((series, setting, size, subset, metric)):
                return found
        return {}

    def mean(self, series: Series, setting: str, **which) -> dict | None:
        """The row of the mean over all pairs; computed without interval where the rows hold pairs only."""
        pairs = self.pairs(series, setting, **which)
        if (MEAN, MEAN) in pairs or not pairs:
            return pairs.get((MEAN, MEAN))
        plain = [row for (source, target), row in pairs.items() if MEAN not in (source, target)]
        value = sum(row["value"] for row in plain) / len(plain)
        return dict(plain[0], source=MEAN, target=MEAN, value=value, low=None, high=None)

    def subsets(self, series: Series) -> list[str]:
        """Names of the subsets a series was scored on."""
        found = dict.fromkeys(subset for one, _, _, subset, _ in self.cells if one == series)
        return [subset for subset in found if DIFFERENCE not in subset]

    def metrics(self) -> list[str]:
        """P@k and MRR of the retrieval rows, in their order."""
        found = dict.fromkeys(key[4] for key in self.cells if key[1] in SETTINGS)
        return [metric for metric in found if metric == "MRR" or metric.removeprefix("P@").isdigit()]


def last_layers(results: Results) -> list[Series]:
    """The deepest layer of every series; CSLS first where several retrievals were run."""
    deepest: dict[tuple, Series] = {}
    for one in results.series():
        key = one._replace(layer=0)
        if key not in deepest or one.layer > deepest[key].layer:
            deepest[key] = one
    return sorted(deepest.values(), key=lambda one: one.retrieval != "csls")


def name_of(series: Series, among: Sequence[Series]) -> str:
    """A short name: the embedding, and the model and those other columns in which `among` differ."""
    parts = [short_model(series.model)] if len({one.model for one in among}) > 1 else []
    parts.append(series.embedding)
    for field, label in (("pooling", "{}"), ("layer", "layer {}"), ("retrieval", "{}"), ("csls_k", "k {}")):
        if len({getattr(one, field) for one in among}) > 1:
            parts.append(label.format(getattr(series, field)))
    parts += [getattr(series, f) for f in ("candidates", "completion") if len({getattr(one, f) for one in among}) > 1]
    return " · ".join(str(part) for part in parts)


def short_model(name: str) -> str:
    """The last part of a hub id or path."""
    return name.rstrip("/").rsplit("/", 1)[-1] or name


def headline(results: Results, among: Sequence[Series]) -> Table:
    """Mean P@1 over all ordered pairs in every setting, percent; a row a series."""
    shown = [name for name in SETTINGS if any(results.pairs(one, name) for one in among)]
    body = []
    for one in among:
        means = [results.mean(one, setting) for setting in shown]
        body.append([name_of(one, among), *(percent(row["value"]) if row else None for row in means)])
    note = "Mean over all ordered pairs. null and ceiling_null: the same with a shuffled dictionary."
    return Table("P@1 in percent", ["series", *shown], body, note)


def precisions(results: Results, series: Series) -> Table:
    """Every metric in every setting, mean over all pairs, percent."""
    shown = results.settings(series)
    shown = [name for name in shown if name in SETTINGS]
    body = []
    for metric in results.metrics():
        means = [results.mean(series, setting, metric=metric) for setting in shown]
        body.append([metric, *(percent(row["value"]) if row else None for row in means)])
    return Table("Every k, mean over all pairs, percent", ["metric", *shown], body)


def matrix(results: Results, series: Series, setting: str, subset: str = "all", metric: str = "P@1") -> Table:
    """A metric of every ordered pair, percent: source down, target across."""
    pairs, codes = results.pairs(series, setting, subset, metric), results.languages
    body = [[source, *(_cell(pairs.get((source, target))) for target in codes)] for source in codes]
    return Table(f"{metric} {setting}, percent: from the row's language to the column's", ["", *codes], body)


def _cell(row: dict | None) -> float | None:
    return None if row is None else percent(row["value"])


def percent(fraction: float) -> float:
    """A fraction in percent, to two decimals."""
    return round(100 * fraction, 2)


PAPER_MODELS = {
    "llama-2-7b": "Llama2-7B", "llama-2-13b": "Llama2-13B", "llama-2-70b": "Llama2-70B", "bloomz-1b7": "BLOOMZ-1B7",
    "bloomz-3b": "BLOOMZ-3B", "bloomz-7b1": "BLOOMZ-7B1", "mt0-large": "mT0-large", "mt0-xl": "mT0-xl",
    "mt0-xxl": "mT0-xxl", "aya-101": "Aya101",
}  # fmt: skip
_PAPER_SUBSETS = {
    "all": "after_both", "abstract": "after_abstract", "physical": "after_physical_all",
    "physical_down": "after_physical_down",
}  # fmt: skip


def paper_model(model: str) -> str | None:
    """The paper's name of one of its ten models, or None; `-chat-hf` and `-chat` may follow."""
    name = short_model(model).lower()
    for end in ("-hf", "-chat"):
        name = name.removesuffix(end)
    return PAPER_MODELS.get(name)


def paper_facts() -> list[dict]:
    """Rows of the paper's appendix tables 5-24 (Peng & Søgaard 2024), percent, numbers as floats."""
    text = resources.files("jaxalign").joinpath("data/paper.csv").read_text(encoding="utf-8")
    words = {"table", "model", "embedding", "lang"}
    return [
        {key: value if key in words else float(value) if value else None for key, value in row.items()}
        for row in csv.DictReader(text.splitlines())
    ]


def against_paper(results: Results, metrics: Sequence[str] = ("P@1",)) -> Table:
    """Our figure beside the paper's for X -> English, percent and points, where the run has one of its models.

    `after` is compared at the paper's seed sizes; a run that has none of them gives its largest against the nearest.
    """
    body = []
    facts = paper_facts()
    for series in last_layers(results):
        model, embedding = paper_model(series.model), series.embedding.split(":")[0]
        if model is None or series.retrieval != "csls" or series.embedding not in ("vanilla", "prompt", "prompt:paper"):
            continue
        for fact in facts:
            same = fact["model"] == model and (fact["embedding"] == "prompt-based") == (embedding == "prompt")
            if same and f"P@{fact['k']:.0f}" in metrics:
                body += _beside(results, series, fact)
    header = ["model", "embedding", "pair", "metric", "setting", "subset"]
    header += ["seed", "paper's seed", "ours", "paper", "difference"]
    unique = list(dict.fromkeys(map(tuple, body)))
    note = "Percent, and points of difference (ours less the paper's); Peng & Søgaard 2024, tables 5-24."
    return Table("Beside the paper's numbers", header, unique, note)


def _beside(results: Results, series: Series, fact: dict) -> list[tuple]:
    pair, metric = (fact["lang"], "en"), f"P@{fact['k']:.0f}"
    wanted: list[tuple[str, str, int | None, float]] = [("before", "all", None, fact["before"])]
    wanted.append(("ceiling", "all", None, fact["ceiling"]))
    sizes = results.sizes(series, "after")
    if sizes:
        exact = int(fact["seed"]) in sizes
        nearest = min((1000, 2000, 3000), key=lambda size: abs(size - sizes[-1]))
        if exact or (not set(sizes) & {1000, 2000, 3000} and fact["seed"] == nearest):
            used = int(fact["seed"]) if exact else sizes[-1]
            wanted += [("after", subset, used, fact[column]) for subset, column in _PAPER_SUBSETS.items()]
    found = []
    for setting, subset, size, paper in wanted:
        row = results.pairs(series, setting, subset, metric, size).get(pair)
        if row is not None and paper is not None:
            ours = percent(row["value"])
            seeds = (row["seed_size"], int(fact["seed"])) if setting == "after" else ("", "")
            place = (short_model(series.model), series.embedding, f"{pair[0]}-{pair[1]}", metric, setting, subset)
            found.append((*place, *seeds, ours, paper, round(ours - paper, 2)))
    return found


def text(table: Table) -> str:
    """The table for a terminal: columns aligned, numbers to the right."""
    lines = [[_plain(cell) for cell in row] for row in [table.header, *table.body]]
    widths = [max(len(line[i]) for line in lines) for i in range(len(table.header))]
    left = [not any(isinstance(row[i], (int, float)) for row in table.body) for i in range(len(table.header))]
    shown = [
        "  ".join(cell.ljust(w) if first else cell.rjust(w) for cell, w, first in zip(line, widths, left, strict=True))
        for line in lines
    ]
    return "\n".join([table.title, *(line.rstrip() for line in shown)])


def markdown(table: Table) -> str:
    """The table in GitHub's Markdown, pipes in cells escaped."""
    cells = [table.header, *table.body]
    lines = [[_plain(cell).replace("|", "\\|").replace("<", "&lt;") for cell in row] for row in cells]
    lines.insert(1, ["---"] * len(table.header))
    note = [f"\n{table.note}"] if table.note else []
    return "\n".join([f"### {table.title}\n", *("| " + " | ".join(line) + " |" for line in lines), *note]) + "\n"


def _plain(cell: object) -> str:
    if cell is None:
        return ""
    return f"{cell:.2f}" if isinstance(cell, float) else " ".join(str(cell).split())
