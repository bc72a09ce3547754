"""The figures and words that the page's explorer shows, small enough for one page."""

import base64
import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from jaxalign import languages as languages_module
from jaxalign.report import families, names
from jaxalign.report.page import words
from jaxalign.report.results import (
    DIFFERENCE,
    MEAN,
    SETTINGS,
    Cell,
    Results,
    Series,
    last_layers,
    short_model,
)
from jaxalign.report.sections import model_groups, model_size
from jaxalign.runtime import clock

_UNIT = 10_000  # fractions are whole ten-thousandths: a hundredth of a percent
_VALUES, _VALUES_EACH = 120_000, 70_000  # figures of pairs in the page: for one model, and for each further one
_MOST_VALUES = 700_000
_RETRIEVALS = 24_000  # wrong retrievals in the page


def explorer_data(
    results: Results, extras: Mapping, languages: Sequence[str], best: Series | None
) -> dict[str, Any] | None:
    """Languages, series, matrices of pairs by what they show, and wrong words; None where nothing was scored.

    `languages` gives the order of rows and columns, `best` the series that is shown first.
    The most looked-at matrices come first, until the page is full.
    """
    series = results.series()
    if not series:
        return None
    pairs = [(source, target) for source in languages for target in languages if source != target]
    models = {each.model for each in series}
    budget = min(_VALUES + _VALUES_EACH * (len(models) - 1), _MOST_VALUES)
    cells = []
    chosen = list(_by_importance(results, series))
    for cell in chosen:
        cells.append(_matrix(results, cell, series.index(cell.series), pairs))
        budget -= 2 * len(pairs) if cell.setting == "chance" else 3 * len(pairs)
        if budget < 0:
            break
    return {
        "languages": [
            [code, names.language_name(code), languages_module.script(code), families.family(code)]
            for code in languages
        ],
        "board": _board(results, series),
        "series": [[short_model(each.model), *each[1:]] for each in series],
        "settings": {name: names.setting_name(name) for name in SETTINGS},
        "retrievals": names.RETRIEVAL_NAMES,
        "best": series.index(best) if best else 0,
        "hub": results.hub,
        "cells": cells,
        "left_out": len(chosen) - len(cells),
        "maps": _maps(extras.get("maps") or []),
        "words": _words(series, extras.get("wrong") or [], languages),
    }


def packed(data: Mapping) -> str:
    """The data as base64 of compressed JSON, for a script element of the page."""
    return packed_text(json.dumps(data, ensure_ascii=False, separators=(",", ":")))


def packed_text(text: str) -> str:
    """Base64 of compressed text."""
    return base64.b64encode(gzip.compress(text.encode("utf-8"), mtime=0)).decode("ascii")


def clustered(results: Results, series: Series | None) -> list[str]:
    """The languages in an order that puts alike ones together: average linkage over P@1 of both directions."""
    codes = results.languages
    if series is None or len(codes) < 4:
        return codes
    with clock.importing():
        from scipy.cluster import hierarchy
        from scipy.spatial.distance import squareform

    rows = results.pairs(series, "after") or results.pairs(series, results.settings(series)[0])
    likeness = np.zeros((len(codes), len(codes)))
    for (source, target), row in rows.items():
        if MEAN not in (source, target):
            likeness[codes.index(source), codes.index(target)] = row["value"]
    distance = 1 - (likeness + likeness.T) / 2
    np.fill_diagonal(distance, 0)
    order = hierarchy.leaves_list(
        hierarchy.linkage(squareform(distance, checks=False), "average", optimal_ordering=True)
    )
    return [codes[place] for place in order]


def _by_importance(results: Results, series: Sequence[Series]) -> Iterator[Cell]:
    """The cells of pairs, each once: P@1 everywhere, tested differences, then seed sizes, metrics and subsets."""
    last, given, metrics = set(last_layers(results)), set(series), set(results.metrics())
    ranked: list[tuple[int, int, Cell]] = []
    for number, cell in enumerate(results.cells):
        plain = cell.setting in SETTINGS and DIFFERENCE not in cell.subset
        tested = cell.setting == "after - before" and cell.metric in ("P@1", "P@1_p")
        # The map shows percentages: no ties, ranks of models, measures of hubs.
        shown = cell.metric in metrics or cell.metric == "P@1_all_answers"
        if cell.series not in given or not (plain and shown or tested):
            continue
        largest = cell.seed_size == max(results.sizes(cell.series, cell.setting))
        everything = cell.subset == "all" and largest
        extra = 0 if cell.series in last else 3
        if everything and cell.metric == "P@1":
            rank = 0 if plain else 1 + extra
        elif everything and tested:
            rank = 1 + extra
        elif cell.subset == "all" and cell.metric == "P@1":
            rank = 2 + extra
        elif everything and cell.metric == "MRR":
            rank = 2 + extra
        else:
            rank = 3 + 2 * extra
        ranked.append((rank, number, cell))
    return (cell for _, _, cell in sorted(ranked, key=lambda entry: entry[:2]))


def _matrix(results: Results, cell: Cell, place: int, pairs: Sequence[tuple[str, str]]) -> list:
    """[series, setting, seed size, subset, metric, values, lows, highs, counts, mean]; null for a missing pair."""
    rows = results.cells[cell]
    of_pairs = [rows.get(pair) for pair in pairs]
    values = [_whole(row, "value") for row in of_pairs]
    lows, highs = ([_whole(row, end) for row in of_pairs] for end in ("low", "high"))
    if lows == values == highs:
        lows = highs = []
    counts = sorted({row["count"] for row in of_pairs if row})
    count: Any = counts[0] if len(counts) == 1 else [row and row["count"] for row in of_pairs]
    mean = rows.get((MEAN, MEAN))
    whole_mean = mean and [_whole(mean, end) for end in ("value", "low", "high")]
    return [place, cell.setting, cell.seed_size, cell.subset, cell.metric, values, lows, highs, count, whole_mean]


def _whole(row: Mapping | None, column: str) -> int | None:
    value = row.get(column) if row else None
    return None if value is None else round(_UNIT * value)


def _maps(records: Sequence[Mapping]) -> list[dict]:
    """The maps of concepts, models under their short names."""
    return [
        {**record, "label": record["label"] | {"model": short_model(record["label"]["model"])}} for record in records
    ]


def _board(results: Results, series: Sequence[Series]) -> list[list]:
    """[series, family of the model, billions of parameters, group, place] of every model's last layer."""
    among = last_layers(results)
    if len({one.model for one in among}) < 2:
        return []
    groups, places = model_groups.groups(results, among), model_groups.places(results, among)
    made = []
    for one in among:
        size = model_size.parameters(one.model, results.parameters)
        family, place = model_size.family(one.model), places.get(one)
        made.append([series.index(one), family, size, groups.get(one), place and str(place)])
    return made


def _words(series: Sequence[Series], records: Sequence[Mapping], languages: Sequence[str]) -> list[list]:
    """[series, source, target, queries, wrong, sample, worst, common] of the spaces that have records."""
    labels: dict[tuple, int] = {}
    for place, named in enumerate(series):
        labels.setdefault(tuple(named[:4]), place)
    known = [label for label in dict.fromkeys(map(words.label_of, records)) if label in labels]
    pairs = len(languages) * (len(languages) - 1)
    each = max(2, _RETRIEVALS // max(1, len(known) * pairs))
    made = []
    for label in known:
        for pair in words.of_series(records, series[labels[label]]):
            sample, worst = pair.sample[:each], pair.worst[: each // 2]
            made.append([labels[label], pair.source, pair.target, pair.queries, pair.wrong, sample, worst, pair.common])
    return made
