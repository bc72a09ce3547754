"""Models compared on the same test concepts, two by two and all together, from the ranks that runs keep."""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np

from jaxalign.evaluation.options import OptionColumns
from jaxalign.evaluation.result import SettingRanks
from jaxalign.metrics import significance
from jaxalign.metrics.comparisons import model_groups
from jaxalign.report import files
from jaxalign.report.facts import Run
from jaxalign.report.results import MEAN, SETTINGS, Results, Series, last_layers
from jaxalign.types import SpaceLabel


class _Ranks(NamedTuple):
    """What a run keeps of its ranks: the test concepts, the languages in the order of the tables, table by name."""

    test: list[str]
    languages: list[str]
    tables: Mapping[str, np.ndarray]


class _Outcomes(NamedTuple):
    """The outcomes of series on the same test concepts, in the languages that all of them have."""

    languages: list[str]
    tables: list[SettingRanks]


def rows(
    runs: Sequence[Run], names: Sequence[Mapping[str, str]], joined: Sequence[dict], draws: int = 999
) -> list[dict]:
    """Rows of every two models' difference and of the groups of all, where they were tested on the same concepts.

    Before and after; deepest layer, the same embedding and retrieval, the largest seed dictionary that all have, first
    split; models may differ in pooling and layer; groups as `model_groups.rows` says. All of it is read from the
    `ranks.npz` and `split.json` of the runs, without a word where those are missing. `names` gives for each run the
    names that its models have in the `joined` rows.
    """
    results = Results(joined)
    if len({series.model for series in results.series()}) < 2:
        return []
    kept = [ranks for run, renamed in zip(runs, names, strict=True) if (ranks := _read(run, renamed))]
    made: list[dict] = []
    for alike in _alike(last_layers(results)):
        for setting in ("before", "after"):
            for pair in itertools.combinations(alike, 2):
                size = _common_size(results, pair, setting)
                if pair[0].model != pair[1].model and size is not None:
                    if outcomes := _same_test(kept, pair, setting, size):
                        made += _rows(pair, outcomes, draws)
            made += _group_rows(results, kept, alike, setting)
    return made


def _alike(among: Sequence[Series]) -> list[list[Series]]:
    """Series that can be compared with each other."""
    kinds: dict[Series, list[Series]] = {}
    for series in among:
        kinds.setdefault(series._replace(model="", pooling="", layer=0), []).append(series)
    return list(kinds.values())


def _common_size(results: Results, among: Sequence[Series], setting: str) -> int | None:
    """The largest seed dictionary that all have; None where there is none."""
    common = set.intersection(*(set(results.sizes(series, setting)) for series in among))
    return max(common, default=None)


def _group_rows(results: Results, kept: Sequence[_Ranks], alike: Sequence[Series], setting: str) -> list[dict]:
    """Groups of the series that were tested as the first of them that has ranks."""
    with_ranks = [series for series in alike if results.sizes(series, setting)]
    while with_ranks:
        head, *others = with_ranks
        among = [head]
        for series in others:
            size = _common_size(results, [*among, series], setting)
            if size is not None and _same_test(kept, [*among, series], setting, size):
                among.append(series)
        if len({series.model for series in among}) > 1:
            size = _common_size(results, among, setting)
            outcomes = None if size is None else _same_test(kept, among, setting, size)
            if outcomes:
                entries = _entries(among, outcomes)
                return [dict(row) for row in model_groups.rows(entries, outcomes.languages, _columns(head))]
        with_ranks = others
    return []


def _rows(pair: Sequence[Series], outcomes: _Outcomes, draws: int) -> list[dict]:
    first, second = _entries(pair, outcomes)
    made: list[dict] = []
    for metric in ("P@1", "MRR"):
        found = significance.models(first, second, outcomes.languages, _columns(pair[0]), metric=metric, draws=draws)
        made += map(dict, found)
    return made


def _entries(among: Sequence[Series], outcomes: _Outcomes) -> list[significance.ModelRanks]:
    labels = (SpaceLabel(*series[:4]) for series in among)
    return [significance.ModelRanks(*entry) for entry in zip(labels, outcomes.tables, strict=True)]


def _columns(series: Series) -> OptionColumns:
    return cast(OptionColumns, dict(zip(Series._fields[4:], series[4:], strict=True)))


def _read(run: Run, renamed: Mapping[str, str]) -> _Ranks | None:
    found = files.read_ranks(Path(run.folder), lambda name: name.split("|")[5:6] in (["before"], ["after"]))
    if not found or run.split is None:
        return None
    tables = {}
    for name, table in found.items():
        model, *rest = name.split("|")
        tables["|".join([renamed.get(model, model), *rest])] = table
    # Rows of a retrieval stand in the order of the tables: every target of the first language first.
    sources = (row["source"] for row in run.rows if row["setting"] in SETTINGS and row["source"] != MEAN)
    return _Ranks(run.split["test"], list(dict.fromkeys(sources)), tables)


def _same_test(kept: Sequence[_Ranks], among: Sequence[Series], setting: str, size: int) -> _Outcomes | None:
    """The outcomes of series; None where the test concepts differ or fewer than two languages are in all."""
    held: list[tuple[_Ranks, np.ndarray, np.ndarray]] = []
    for series in among:
        key = "|".join(map(str, (*series[:4], series.retrieval, setting, size, 0, 0)))
        for ranks in [ranks for ranks in kept if key in ranks.tables][:1]:
            table = ranks.tables[key]
            held.append((ranks, table, ranks.tables.get(f"{key}|ties", np.zeros_like(table))))
    if len(held) < len(among) or any(ranks.test != held[0][0].test for ranks, _, _ in held):
        return None
    codes = [code for code in held[0][0].languages if all(code in ranks.languages for ranks, _, _ in held)]
    if len(codes) < 2 or any(len(ranks.languages) != len(table) for ranks, table, _ in held):
        return None
    outcomes = []
    for ranks, table, ties in held:
        chosen = [ranks.languages.index(code) for code in codes]
        common, tied = (part[np.ix_(chosen, chosen)] for part in (table, ties))
        outcomes.append(SettingRanks(setting, size, 0, common, common, tied))
    return _Outcomes(codes, outcomes)
