"""Several runs as one: their rows, what the page shows beside them, and their models compared on the same concepts."""

import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from jaxalign import compare
from jaxalign.report import files
from jaxalign.report.tables import Results, Series, last_layers
from jaxalign.types import SpaceLabel

_FIGURES = ("value", "count", "low", "high")


def join(folders: Sequence[Path]) -> tuple[list[dict], dict]:
    """Rows and extras of finished runs; a row that two runs share counts once, concepts are the first run's.

    With several runs, rows of the differences between models that were tested on the same concepts are added.
    """
    rows: dict[tuple, dict] = {}
    for folder in folders:
        for row in files.read_rows(Path(folder) / "results.jsonl"):
            rows.setdefault(_place(row), row)
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
    held = [found for folder in folders if (found := _ranks(Path(folder)))]
    made = []
    for one, other in itertools.combinations(last_layers(results), 2):
        alike = all(getattr(one, name) == getattr(other, name) for name in Series._fields if name not in _OF_MODEL)
        if one.model == other.model or not alike:
            continue
        for setting in ("before", "after"):
            common = set(results.sizes(one, setting)) & set(results.sizes(other, setting))
            if common and (duo := _same_test(held, one, other, setting, max(common), len(results.languages))):
                first, second = (SpaceLabel(*series[:4]) for series in (one, other))
                tail = {name: getattr(one, name) for name in Series._fields[4:]}
                made += compare.models(first, duo[0], second, duo[1], results.languages, tail, draws=draws)
    return made


_OF_MODEL = ("model", "pooling", "layer")  # what two models may differ in and still be compared


def _ranks(folder: Path) -> tuple[list[str], Mapping[str, np.ndarray]] | None:
    if not (folder / "ranks.npz").is_file() or not (folder / "split.json").is_file():
        return None
    with np.load(folder / "ranks.npz", allow_pickle=False) as file:
        ranks = {name: file[name] for name in file.files if name.split("|")[5:6] in (["before"], ["after"])}
    return json.loads((folder / "split.json").read_text(encoding="utf-8"))["test"], ranks


def _same_test(held: list, one: Series, other: Series, setting: str, size: int, languages: int) -> list | None:
    found: list[tuple] = []
    for series in (one, other):
        key = "|".join(map(str, (*series[:4], series.retrieval, setting, size, 0, 0)))
        found += [(test, ranks[key]) for test, ranks in held if key in ranks][:1]
    if len(found) < 2 or found[0][0] != found[1][0] or any(len(ranks) != languages for _, ranks in found):
        return None
    return [SimpleNamespace(setting=setting, seed_size=size, draw=0, rank=ranks, best=ranks) for _, ranks in found]
