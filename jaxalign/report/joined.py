"""Several runs as one: their rows, what the page shows beside them, and their models compared on the same concepts."""

import itertools
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np

from jaxalign.metrics import significance
from jaxalign.report import files
from jaxalign.report.results import MEAN, SETTINGS, Results, Series, last_layers
from jaxalign.types import SpaceLabel

_FIGURES = ("value", "count", "low", "high")


def join(folders: Sequence[Path]) -> tuple[list[dict], dict]:
    """Rows and extras of finished runs; a row that two runs share counts once, concepts are the first run's.

    With several runs, rows of the differences between models that were tested on the same concepts are added.
    """
    rows: dict[tuple, dict] = {}
    for folder in folders:
        other = 0
        for row in files.read_rows(Path(folder) / "results.jsonl"):
            other += bool(row["model"]) and rows.setdefault(_place(row), row)["value"] != row["value"]
        if other:
            print(
                f"report: {other:,} figures of {folder} stand for the same model and question as others of an earlier "
                "run, which are kept. Give the models other names to see both.",
                file=sys.stderr,
            )
    extras = [files.read_extras(Path(folder)) for folder in folders]
    joined = dict(extras[0])
    if len(folders) > 1:
        joined["wrong"] = [word for one in extras for word in one.get("wrong", [])]
        joined["parameters"] = {name: size for one in extras for name, size in one.get("parameters", {}).items()}
        joined["settings"] = {Path(f).name: one.get("settings", {}) for f, one in zip(folders, extras, strict=True)}
        joined["timing"] = []
        for row in model_rows(folders, list(rows.values())):
            rows.setdefault(_place(row), row)
    return list(rows.values()), joined


def _place(row: Mapping) -> tuple:
    return tuple(value for name, value in row.items() if name not in _FIGURES)


def model_rows(folders: Sequence[Path], rows: Sequence[dict], draws: int = 999) -> list[dict]:
    """Rows of every two models' difference, before and after, where both were tested on the same concepts.

    Deepest layer, the same embedding and retrieval, the largest seed dictionary both have, first split; from the
    `ranks.npz` and `split.json` of the runs, silent where those are missing.
    """
    results = Results(rows)
    if len({one.model for one in results.series()}) < 2:
        return []
    held = [found for folder in folders if (found := _ranks(Path(folder), rows if len(folders) == 1 else None))]
    made = []
    for one, other in itertools.combinations(last_layers(results), 2):
        alike = all(getattr(one, name) == getattr(other, name) for name in Series._fields if name not in _OF_MODEL)
        if one.model == other.model or not alike:
            continue
        for setting in ("before", "after"):
            common = set(results.sizes(one, setting)) & set(results.sizes(other, setting))
            if common and (duo := _same_test(held, one, other, setting, max(common))):
                first, second = (SpaceLabel(*series[:4]) for series in (one, other))
                tail = {name: getattr(one, name) for name in Series._fields[4:]}
                for metric in ("P@1", "MRR"):
                    made += significance.models(first, duo[1], second, duo[2], duo[0], tail, metric=metric, draws=draws)
    return made


_OF_MODEL = ("model", "pooling", "layer")  # what two models may differ in and still be compared


class _Held(NamedTuple):
    """What a run keeps of its ranks: the test concepts, the languages in the order of the tables, table by name."""

    test: list[str]
    languages: list[str]
    ranks: Mapping[str, np.ndarray]


def _ranks(folder: Path, rows: Sequence[dict] | None) -> _Held | None:
    if not (folder / "ranks.npz").is_file() or not (folder / "split.json").is_file():
        return None
    with np.load(folder / "ranks.npz", allow_pickle=False) as file:
        ranks = {name: file[name] for name in file.files if name.split("|")[5:6] in (["before"], ["after"])}
    test = json.loads((folder / "split.json").read_text(encoding="utf-8"))["test"]
    found = rows if rows is not None else files.read_rows(folder / "results.jsonl")
    # Rows of a retrieval stand in the order of the tables: every target of the first language first.
    asked = (row["source"] for row in found if row["setting"] in SETTINGS and row["source"] != MEAN)
    return _Held(test, list(dict.fromkeys(asked)), ranks)


def _same_test(
    held: Sequence[_Held], one: Series, other: Series, setting: str, size: int
) -> tuple[list[str], SimpleNamespace, SimpleNamespace] | None:
    """The languages both have, and an outcome of each in their order; None where the test concepts differ."""
    found: list[tuple[_Held, np.ndarray]] = []
    for series in (one, other):
        key = "|".join(map(str, (*series[:4], series.retrieval, setting, size, 0, 0)))
        found += [(run, run.ranks[key]) for run in held if key in run.ranks][:1]
    if len(found) < 2 or found[0][0].test != found[1][0].test:
        return None
    codes = [code for code in found[0][0].languages if code in found[1][0].languages]
    if len(codes) < 2 or any(len(run.languages) != len(ranks) for run, ranks in found):
        return None
    duo = []
    for run, ranks in found:
        rows = [run.languages.index(code) for code in codes]
        common = ranks[np.ix_(rows, rows)]
        duo.append(SimpleNamespace(setting=setting, seed_size=size, draw=0, rank=common, best=common))
    return codes, duo[0], duo[1]
