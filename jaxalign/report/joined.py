"""Several runs as one: rows that can be compared, each with the run it is from, and what the page shows beside them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from jaxalign.report import concept_map, facts, model_differences
from jaxalign.report.facts import Run
from jaxalign.types import InputError

_FIGURES = ("value", "count", "low", "high", "run")  # columns that do not say what a row is about


class Joined(NamedTuple):
    """Finished runs as one."""

    rows: list[dict]
    extras: dict  # what the page shows next to the rows


def join(folders: Sequence[Path], keep_apart: bool = False) -> Joined:
    """Rows and extras of finished runs; those of a single run are returned as they are.

    Rows of several runs get the column `run`. A row that two runs share counts once. A model that two runs measured
    differently (other settings, languages or weights, or another value of the same figure) is kept apart: the name of
    the later run is added to its own. Runs that measured different models in different ways stay together, with a note
    of what differs. Rows of the differences between models that were tested on the same concepts are
    added. Raises InputError where the runs have different concepts or splits, unless `keep_apart`: then every model of
    a run that cannot be compared with the first gets the run's name.
    """
    runs = facts.read_runs(folders)
    if len(runs) == 1:
        return Joined(runs[0].rows, runs[0].extras)
    apart = {run.name: said for run in runs[1:] if (said := facts.differences(runs[0], run))}
    if apart and not keep_apart:
        name, said = next(iter(apart.items()))
        raise InputError(
            f"Expected runs over the same concepts and split, got {runs[0].name} and {name} with different "
            f"{', '.join(said)}. Repeat one with the other's --concepts and --split, or give --keep_apart to show both "
            "on one page, each under its run's name."
        )
    notes = [f"{name} has other {', '.join(said)} than {runs[0].name}: do not compare." for name, said in apart.items()]
    names: list[dict[str, str]] = []  # of each run: model -> the name it has on the page
    rows: dict[tuple, dict] = {}
    for number, run in enumerate(runs):
        renamed = {}
        for model in run.models:
            reason = ["other concepts"] if run.name in apart else _why_apart(model, run, runs[:number], names, rows)
            renamed[model] = f"{model} [{run.name}]" if reason else model
            if reason and run.name not in apart:
                notes.append(f"{model} was measured differently in {run.name} ({', '.join(reason)}): kept apart.")
        renamed[""] = f"[{run.name}]" if run.name in apart else ""
        if number and run.name not in apart:
            notes += _unlike(run, runs[0])
        names.append(renamed)
        for row in run.rows:
            labelled = row | {"model": renamed[row["model"]], "run": run.name}
            rows.setdefault(_place(labelled), labelled)
    for row in model_differences.rows(runs, names, list(rows.values())):
        rows.setdefault(_place(row), row | {"run": ""})
    return Joined(list(rows.values()), _extras(runs, names, notes))


def _place(row: Mapping) -> tuple:
    return tuple(value for name, value in row.items() if name not in _FIGURES)


def _why_apart(
    model: str, run: Run, earlier: Sequence[Run], names: Sequence[Mapping[str, str]], rows: Mapping[tuple, dict]
) -> list[str]:
    """Why a model of this run cannot stand in one series with the same model of an earlier run."""
    for other, renamed in zip(earlier, names, strict=True):
        if renamed.get(model) == model and (said := facts.method_differences(other, run, model)):
            return said
    mine = (row for row in run.rows if row["model"] == model)
    known = ((row, rows.get(_place(row))) for row in mine)
    return ["other values"] if any(same and same["value"] != row["value"] for row, same in known) else []


def _unlike(run: Run, first: Run) -> list[str]:
    """A note where a run measured its models in another way than the first run measured other ones."""
    said = facts.unlike(first, run, same_models=set(run.models) <= set(first.models))
    if not said:
        return []
    means = "; its means are over other pairs of languages" if "--languages" in said else ""
    return [f"{run.name} has another {', '.join(said)} than {first.name}{means}. Compare them with care."]


def _extras(runs: Sequence[Run], names: Sequence[Mapping[str, str]], notes: Sequence[str]) -> dict:
    """What the page shows beside the rows: the first run's concepts, and the runs themselves."""
    joined = dict(runs[0].extras)
    joined["wrong"] = [
        wrong | {"model": renamed.get(wrong["model"], wrong["model"])}
        for run, renamed in zip(runs, names, strict=True)
        for wrong in run.extras.get("wrong", [])
    ]
    environments = {run.name: run.extras.get("environment", {}) for run in runs}
    joined["environment"] = environments | {
        "models": _model_records(runs, names),
        "toy": any((run.extras.get("environment") or {}).get("toy") for run in runs),
        "warnings": [text for run in runs for text in (run.extras.get("environment") or {}).get("warnings") or []],
    }
    joined["settings"] = {run.name: run.extras.get("settings", {}) for run in runs}
    joined["timing"] = []
    joined["maps"] = [
        record | {"label": record["label"] | {"model": renamed.get(record["label"]["model"], record["label"]["model"])}}
        for run, renamed in zip(runs, names, strict=True)
        for record in concept_map.read(run.folder)
    ]
    joined["notes"] = list(notes)
    joined["runs"] = [
        dict(run=run.name, folder=str(run.folder), models=[renamed[model] for model in run.models], rows=len(run.rows),
             languages=run.languages)
        for run, renamed in zip(runs, names, strict=True)
    ]  # fmt: skip
    return joined


def _model_records(runs: Sequence[Run], names: Sequence[Mapping[str, str]]) -> dict[str, dict]:
    records: dict[str, dict] = {}
    for run, renamed in zip(runs, names, strict=True):
        for model, record in ((run.extras.get("environment") or {}).get("models") or {}).items():
            records.setdefault(renamed.get(model, model), record)
    return records
