"""Models compared two by two on the same test concepts, from the ranks that runs keep."""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np

from jaxalign.evaluation.options import OptionColumns
from jaxalign.evaluation.result import SettingRanks
from jaxalign.metrics import significance
from jaxalign.report.facts import Run
from jaxalign.report.results import MEAN, SETTINGS, Results, Series, last_layers
from jaxalign.types import SpaceLabel

_MAY_DIFFER = ("model", "pooling", "layer")  # what two models may differ in and still be compared


class _Ranks(NamedTuple):
    """What a run keeps of its ranks: the test concepts, the languages in the order of the tables, table by name."""

    test: list[str]
    languages: list[str]
    tables: Mapping[str, np.ndarray]


class _Pair(NamedTuple):
    """The outcomes of two series on the same test concepts, in the languages that both have."""

    languages: list[str]
    first: SettingRanks
    second: SettingRanks


def rows(
    runs: Sequence[Run], names: Sequence[Mapping[str, str]], joined: Sequence[dict], draws: int = 999
) -> list[dict]:
    """Rows of every two models' difference, before and after, where both were tested on the same concepts.

    Deepest layer, the same embedding and retrieval, the largest seed dictionary both have, first split; from the
    `ranks.npz` and `split.json` of the runs, without a word where those are missing. `names` gives for each run the
    names that its models have in the `joined` rows.
    """
    results = Results(joined)
    if len({series.model for series in results.series()}) < 2:
        return []
    kept = [ranks for run, renamed in zip(runs, names, strict=True) if (ranks := _read(run, renamed))]
    made = []
    for first, second in itertools.combinations(last_layers(results), 2):
        alike = all(getattr(first, n) == getattr(second, n) for n in Series._fields if n not in _MAY_DIFFER)
        if first.model == second.model or not alike:
            continue
        for setting in ("before", "after"):
            common = set(results.sizes(first, setting)) & set(results.sizes(second, setting))
            if common and (pair := _same_test(kept, first, second, setting, max(common))):
                made += _rows(first, second, pair, draws)
    return made


def _rows(first: Series, second: Series, pair: _Pair, draws: int) -> list[dict]:
    models = (
        significance.ModelRanks(SpaceLabel(*first[:4]), pair.first),
        significance.ModelRanks(SpaceLabel(*second[:4]), pair.second),
    )
    columns = cast(OptionColumns, dict(zip(Series._fields[4:], first[4:], strict=True)))
    made: list[dict] = []
    for metric in ("P@1", "MRR"):
        made += map(dict, significance.models(*models, pair.languages, columns, metric=metric, draws=draws))
    return made


def _read(run: Run, renamed: Mapping[str, str]) -> _Ranks | None:
    path = Path(run.folder) / "ranks.npz"
    if not path.is_file() or run.split is None:
        return None
    tables = {}
    with np.load(path, allow_pickle=False) as file:
        for name in file.files:
            model, *rest = name.split("|")
            if rest[4:5] in (["before"], ["after"]):
                tables["|".join([renamed.get(model, model), *rest])] = file[name]
    # Rows of a retrieval stand in the order of the tables: every target of the first language first.
    sources = (row["source"] for row in run.rows if row["setting"] in SETTINGS and row["source"] != MEAN)
    return _Ranks(run.split["test"], list(dict.fromkeys(sources)), tables)


def _same_test(kept: Sequence[_Ranks], first: Series, second: Series, setting: str, size: int) -> _Pair | None:
    """The outcomes of two series; None where the test concepts differ or fewer than two languages are in both."""
    held: list[tuple[_Ranks, np.ndarray, np.ndarray]] = []
    for series in (first, second):
        key = "|".join(map(str, (*series[:4], series.retrieval, setting, size, 0, 0)))
        for ranks in [ranks for ranks in kept if key in ranks.tables][:1]:
            table = ranks.tables[key]
            held.append((ranks, table, ranks.tables.get(f"{key}|ties", np.zeros_like(table))))
    if len(held) < 2 or held[0][0].test != held[1][0].test:
        return None
    codes = [code for code in held[0][0].languages if code in held[1][0].languages]
    if len(codes) < 2 or any(len(ranks.languages) != len(table) for ranks, table, _ in held):
        return None
    outcomes = []
    for ranks, table, ties in held:
        chosen = [ranks.languages.index(code) for code in codes]
        common, tied = (part[np.ix_(chosen, chosen)] for part in (table, ties))
        outcomes.append(SettingRanks(setting, size, 0, common, common, tied))
    return _Pair(codes, *outcomes)
