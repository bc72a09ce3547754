"""Ranks of the right answers for every language pair and setting."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Unpack

import numpy as np
from jaxtyping import Int

from jaxalign.evaluation.engine import Engine, Item
from jaxalign.evaluation.options import AlignmentOptions, RankOptions
from jaxalign.evaluation.result import Ranks, SettingRanks
from jaxalign.evaluation.rows import Rows, Spaces, check_vectors_differ, checked_rows
from jaxalign.evaluation.settings import Fitted, Setting, settings_of
from jaxalign.runtime import processes as processes_module


def rank(
    spaces: Spaces,
    *,
    seed: Sequence[int] | Int[np.ndarray, " seed"],
    test: Sequence[int] | Int[np.ndarray, " query"],
    **options: Unpack[RankOptions],
) -> Ranks:
    """Ranks of the right answers of all ordered pairs: `rank(...)["after"]` is (source, target, query), from 1.

    spaces: language -> (concept, feature), rows aligned by concept; seed, test: row indices, disjoint. Options, with
    their defaults, are the fields of AlignmentOptions: settings=("before", "after"), retrieval="csls", csls_k=10,
    candidates="all", normalize=("unit", "center", "unit"), completion="drop" and others. Languages are in the order of
    `spaces`; a row of zeros (a constant row after centering) stays zero: its similarity to every candidate is 0, all of
    them ties. Raises InputError for input that does not fit: other shapes, NaN or infinity, a language with one vector
    (or one direction) for all concepts.
    """
    rows = Rows(np.asarray(seed), np.asarray(test))
    asked = AlignmentOptions(**options)  # type: ignore[arg-type]  # made tuples there
    checked_rows(spaces, rows, asked)
    check_vectors_differ(spaces, asked.normalize)
    return evaluate(spaces, rows, asked)


def evaluate(
    spaces: Spaces,
    rows: Rows,
    options: AlignmentOptions,
    *,
    progress: Callable[[int, int], None] | None = None,
    across_processes: bool = False,
) -> Ranks:
    """As `rank`, one table for each setting, seed size and draw.

    `progress(done, total)` is called after each unordered pair and setting. With `across_processes` every process of a
    run on several hosts computes its share of the pairs, and all get all.
    """
    return evaluate_each(spaces, rows, [options], progress=progress, across_processes=across_processes)[0]


def evaluate_each(
    spaces: Spaces,
    rows: Rows,
    asked: Sequence[AlignmentOptions],
    *,
    progress: Callable[[int, int], None] | None = None,
    across_processes: bool = False,
) -> list[Ranks]:
    """As `evaluate` for each of several options that differ in the retrieval alone.

    The map and the similarity of a pair are made once for all of them.
    """
    options = asked[0]
    if any(replace(other, retrieval=options.retrieval) != options for other in asked):
        raise ValueError("the options differ in more than the retrieval")
    for other in asked:
        rows = checked_rows(spaces, rows, other)
    share = processes_module.share() if across_processes else processes_module.SINGLE
    process, processes = share
    settings, pairs = settings_of(options, rows), list(combinations(range(len(spaces)), 2))
    whole = np.zeros((len(asked), len(settings), len(pairs), 2, 3, len(rows.test)), np.int32)
    engine = Engine(spaces, rows, *asked)
    done, total = 0, len(settings) * len(pairs)
    for fitted, group in _grouped(settings):
        cells = [(s, p) for s in group for p in range(len(pairs)) if (s * len(pairs) + p) % processes == process]
        if not cells:
            continue
        items = [Item(settings[s], *pairs[p]) for s, p in cells]
        for cell, ranked in zip(cells, engine.rank(fitted, items), strict=True):
            whole[:, *cell] = ranked
            done += 1
            if progress:
                progress(min(done * processes, total), total)
    for table in whole:
        for place, part in enumerate(table):
            table[place] = processes_module.gather_rows(part, -place * len(pairs), share)
    return [Ranks(tuple(spaces), _tables(settings, table, len(spaces))) for table in whole]


def _tables(
    settings: Sequence[Setting], table: Int[np.ndarray, "setting pair 2 3 query"], languages: int
) -> tuple[SettingRanks, ...]:
    return tuple(
        SettingRanks(*setting, *_square(part, languages)) for setting, part in zip(settings, table, strict=True)
    )


def _grouped(settings: Sequence[Setting]) -> list[tuple[Fitted, list[int]]]:
    """Places in `settings` that share their reduced spaces."""
    groups: dict[Fitted, list[int]] = {}
    for place, setting in enumerate(settings):
        groups.setdefault(setting.fitted, []).append(place)
    return sorted(groups.items())


def _square(rows: Int[np.ndarray, "pair 2 3 query"], languages: int) -> Int[np.ndarray, "3 source target query"]:
    """(rank, best and ties, source, target, query) of the unordered pairs in both directions."""
    table = np.zeros((3, languages, languages, rows.shape[-1]), np.int32)
    upper = np.triu_indices(languages, 1)
    table[:, *upper], table[:, *upper[::-1]] = rows[:, 0].swapaxes(0, 1), rows[:, 1].swapaxes(0, 1)
    return table
