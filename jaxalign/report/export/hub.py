"""Scores for model pages: Hugging Face's `.eval_results` and MTEB's task results.

Formats: huggingface.co/docs/hub/eval-results, and `TaskResult` of the package mteb (2.x).
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import jaxalign
from jaxalign import languages
from jaxalign.report import names
from jaxalign.report.results import MEAN, Results, Series, last_layers
from jaxalign.report.sections import headline

TASK = "ConceptAlignment"


def best_by_model(results: Results) -> dict[str, Series]:
    """The series that is best after alignment of each model (without a map where none was fitted)."""
    best: dict[str, Series] = {}
    models = dict.fromkeys(series.model for series in last_layers(results))
    for model in models:
        mine = results
        if len(models) > 1:
            mine = Results(row for rows in results.cells.values() for row in rows.values() if row["model"] == model)
        best[model] = headline.best_series(mine) or last_layers(mine)[0]
    return best


def main_setting(results: Results, series: Series) -> str:
    """`after` where a map was fitted, otherwise the first setting."""
    return "after" if results.pairs(series, "after") else results.settings(series)[0]


def hugging_face(results: Results, dataset: str, task: str, date: str) -> dict[str, str]:
    """Text of `.eval_results/jaxalign.yaml` by model: P@1 in percent, mean over all pairs.

    `dataset` is the id of a benchmark data set on the Hub, `task` a task of it, `date` in ISO 8601.
    """
    made = {}
    for model, series in best_by_model(results).items():
        setting = main_setting(results, series)
        row = results.mean(series, setting)
        if row is None:
            continue
        others = {name: results.mean(series, name) for name in ("before", "null", "chance") if name != setting}
        said = ", ".join(f"{names.setting_name(name)} {names.share(other)}" for name, other in others.items() if other)
        note = (
            f"jaxalign {jaxalign.__version__}: P@1 in percent, mean over all ordered language pairs, "
            f"{names.setting_name(setting)}, {names.embedding_name(series.embedding)}, layer {series.layer}, "
            f"{series.retrieval}; {names.share(row)}; beside it: {said}."
        )
        entry = {"dataset": {"id": dataset, "task_id": task}, "value": round(100 * row["value"], 2), "date": date}
        made[model] = _yaml([entry | {"notes": note}])
    return made


def _yaml(entries: Sequence[Mapping[str, Any]]) -> str:
    """A list of records in YAML; every scalar is written as JSON, which YAML 1.2 contains."""
    lines = []
    for entry in entries:
        mark = "- "
        for name, value in entry.items():
            if isinstance(value, Mapping):
                lines.append(f"{mark}{name}:")
                lines += [f"    {key}: {json.dumps(part, ensure_ascii=False)}" for key, part in value.items()]
            else:
                lines.append(f"{mark}{name}: {json.dumps(value, ensure_ascii=False)}")
            mark = "  "
    return "\n".join(lines) + "\n"


def mteb(results: Results, extras: Mapping) -> dict[str, dict]:
    """An MTEB task result by model: every ordered pair as a subset, with P@k and MRR as fractions; main score P@1."""
    environment = extras.get("environment") or {}
    seconds = next((row.get("seconds") for row in extras.get("timing") or [] if row.get("phase") == "total"), None)
    made = {}
    for model, series in best_by_model(results).items():
        setting = main_setting(results, series)
        scores = []
        for source, target in results.pairs(series, setting):
            if MEAN in (source, target):
                continue
            values = {}
            for metric in results.metrics():
                if row := results.pairs(series, setting, metric=metric).get((source, target)):
                    values[metric.lower().replace("@", "_at_")] = row["value"]
            place = {"hf_subset": f"{source}-{target}", "languages": [_script(source), _script(target)]}
            scores.append({"main_score": values["p_at_1"], **values, **place})
        made[model] = {
            "dataset_revision": str(environment.get("concepts_digest", "unknown")),
            "task_name": TASK,
            "mteb_version": None,
            "scores": {"test": scores},
            "evaluation_time": seconds,
            "kg_co2_emissions": None,
        }
    return made


def _script(code: str) -> str:
    """MTEB's name of a language: ISO 639-3 and ISO 15924, `fra-Latn`; an unknown code as `und-Zyyy`."""
    return f"{languages.three_letters(code) or 'und'}-{languages.script(code) or 'Zyyy'}"
