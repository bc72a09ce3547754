"""The run's results in every export form, as texts that the page carries: its buttons copy or save them."""

import json
import time
from collections.abc import Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from jaxalign.report import files
from jaxalign.report.export import hub, samples, tables
from jaxalign.report.facts import Run
from jaxalign.report.page.explorer_data import packed_text
from jaxalign.report.results import Results, Series, last_layers

_ROWS = 6000  # of the CSV in the page; more models and layers stand with their last layers only
_DATASET = "ORGANISATION/DATASET"  # to be filled in by whoever publishes the scores


class Export(NamedTuple):
    """One file that a button of the page copies or saves."""

    form: str
    label: str
    model: str  # empty where the file is of all models
    name: str
    type: str
    text: str


def exports(results: Results, extras: Mapping) -> list[Export]:
    """The tables of a paper, a CSV of the main rows, and the records of others' collections by model.

    `extras` is what report.json holds; `made` in it is the time of the run in seconds since 1970, without which the
    dated forms are left out.
    """
    if not results.series():
        return []
    rows: Sequence[dict] = results.rows
    main = list(files.main_rows(rows))
    rows = _of(rows, set(last_layers(results)))  # all that the forms below read; ten models have 300,000 rows
    results = Results(rows)
    main = main if len(main) <= _ROWS else files.main_rows(rows)[:_ROWS]
    made = [
        Export(
            "csv",
            "CSV, the main rows",
            "",
            "results.csv",
            "text/csv",
            tables.as_csv(main),
        ),
        Export("latex", "LaTeX, the table of every series", "", "results.tex", "text/x-tex", tables.as_latex(rows)),
        Export("markdown", "Markdown, the same table", "", "results.md", "text/markdown", tables.as_markdown(rows)),
    ]
    for model, result in hub.mteb(results, extras).items():
        name = f"{_file_name(model)}-{hub.TASK}.json"
        made.append(Export("mteb", "MTEB task result", model, name, "application/json", _json(result)))
    if extras.get("made"):
        made += _dated(results, extras, int(extras["made"]))
    return made


def _dated(results: Results, extras: Mapping, seconds: int) -> list[Export]:
    date = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
    made = []
    for model, text in hub.hugging_face(results, _DATASET, "default", date).items():
        label = ".eval_results for the model's page at Hugging Face (fill in the id of the data set)"
        made.append(Export("hf-eval", label, model, f"{_file_name(model)}.yaml", "application/yaml", text))
    run = Run("", Path("-"), results.rows, dict(extras), None, {})  # no ranks: the samples come with the command
    for model, record in samples.every_eval_ever(run, seconds).items():
        label, name = "Every Eval Ever (without samples)", f"{Path(record.path).name}.json"
        made.append(Export("every-eval-ever", label, model, name, "application/json", _json(record.aggregate)))
    return made


def _of(rows: Sequence[dict], some: set[Series]) -> list[dict]:
    """The rows of some series."""
    series_of = itemgetter(*Series._fields)
    return [row for row in rows if series_of(row) in some]


def packed(made: Sequence[Export]) -> str:
    """The exports as base64 of compressed JSON, for a script element of the page."""
    return packed_text(json.dumps([export._asdict() for export in made], ensure_ascii=False, separators=(",", ":")))


def _file_name(model: str) -> str:
    return model.strip("/.").replace("\\", "__").replace("/", "__") or "model"


def _json(value: dict) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
