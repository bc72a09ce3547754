"""The numbers of the paper beside those of a run."""

import csv
from collections.abc import Sequence
from importlib import resources

from jaxalign.report.results import Results, Series, last_layers, percent, short_model
from jaxalign.report.tables import Table

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
    lines = []
    for setting, subset, size, paper in wanted:
        row = results.pairs(series, setting, subset, metric, size).get(pair)
        if row is None and subset == "physical_down":  # there was nothing to draw down
            row = results.pairs(series, setting, "physical", metric, size).get(pair)
        if row is not None and paper is not None:
            ours = percent(row["value"])
            seeds = (row["seed_size"], int(fact["seed"])) if setting == "after" else ("", "")
            place = (short_model(series.model), series.embedding, f"{pair[0]}-{pair[1]}", metric, setting, subset)
            lines.append((*place, *seeds, ours, paper, round(ours - paper, 2)))
    return lines
