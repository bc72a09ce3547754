"""MEXA over layers, as its authors report it (Kargaran et al. 2024): its mean and its maximum, English as the pivot.

Of a language and English, mu is the share of queries whose translation has a higher cosine than any other candidate for
the query and any other query for the translation, without a map. MEXA_mean is the mean of mu over layers, MEXA_max the
maximum. Theirs have every layer with the embeddings (--layers=all), means weighted by position that count special
tokens (--pooling=rising_mean --special_tokens=include), raw cosines and all sentences (--normalize=none
--candidates=test). A run without English has the first of its languages as the pivot.

The maximum carries the null of the best layer (`best_layer`): one permutation of the test concepts for each language,
carried through all layers, then the maximum. A permuted answer counts where query and answer are the first of the
nearest neighbours of each other; equal cosines, which MEXA counts as 0, can only make that null larger.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from jaxalign.evaluation.options import AlignmentOptions, OptionColumns
from jaxalign.evaluation.pairs import evaluate
from jaxalign.evaluation.rows import Rows
from jaxalign.metrics import precision
from jaxalign.metrics.nulls import best_layer
from jaxalign.metrics.nulls.drawn_p import p_value
from jaxalign.metrics.precision import Interval
from jaxalign.metrics.rows import Place, ResultRow, figure, result_row
from jaxalign.types import SpaceLabel

PIVOT = "en"


class Layer(NamedTuple):
    """One layer without a map."""

    label: SpaceLabel
    columns: OptionColumns
    pivot: str
    languages: tuple[str, ...]  # all but the pivot
    hit: Bool[np.ndarray, "language query"]
    retrieved: Int[np.ndarray, "language 2 query"]  # from the pivot and to it: row of the mutual neighbour; -1: none


def layer(
    label: SpaceLabel,
    spaces: Mapping[str, Float[np.ndarray, "concept feature"]],
    split_rows: Rows,
    options: AlignmentOptions,
) -> Layer:
    """The neighbours of a layer in every pair with the pivot."""
    pivot = PIVOT if PIVOT in spaces else next(iter(spaces))
    plain = replace(options, retrieval="nn", settings=("before",), seed_sizes=(), best=True)
    ranks = evaluate(spaces, split_rows, plain)
    (table,) = ranks.tables
    centre = ranks.languages.index(pivot)
    others = [place for place in range(len(ranks.languages)) if place != centre]
    first = (table.rank == 1) & (table.ties == 0)
    there, back = table.best[centre, others], table.best[others, centre]
    retrieved = [_mutual(*both, split_rows.test) for both in zip(there, back, strict=True)]
    languages = tuple(ranks.languages[place] for place in others)
    hit = first[centre, others] & first[others, centre]
    return Layer(label, options.columns, pivot, languages, hit, np.stack(retrieved))


def _mutual(
    there: Int[np.ndarray, " query"], back: Int[np.ndarray, " query"], test: Int[np.ndarray, " query"]
) -> Int[np.ndarray, "2 query"]:
    """`there` and `back` where the neighbour of the neighbour is the query, else -1."""
    place = np.full(max(test.max(), there.max(), back.max()) + 1, -1)
    place[test] = np.arange(len(test))

    def kept(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        at = place[one]  # -1: no query, whose own neighbour is not known
        return np.where((at >= 0) & (other[at] == test), one, -1)

    return np.stack([kept(there, back), kept(back, there)])


def rows(
    given: Sequence[Layer],
    answers: Int[np.ndarray, " query"],
    *,
    draws: int = 999,
    bootstrap: int = 1000,
    rng_seed: int = 0,
) -> list[ResultRow]:
    """Rows of every series with two or more layers, at its deepest: each language to the pivot, and their mean.

    Metrics: `MEXA_mean`, `MEXA_max`, and of the maximum `MEXA_max_null` (mean and middle 95 % of the null), `_p`,
    `_held_out` (the layer chosen on other concepts) and for a language `_layer` (`count` is the number of layers). The
    mean over languages is that of each language's own maximum; the intervals of maxima hold for all choices at once.
    """
    by_series: dict[tuple[object, ...], list[Layer]] = {}
    for one in given:
        by_series.setdefault((one.label._replace(layer=0), *one.columns.values()), []).append(one)
    made: list[ResultRow] = []
    for some in by_series.values():
        if len({one.label.layer for one in some}) > 1:
            some.sort(key=lambda one: one.label.layer)
            made += _rows(some, answers, draws, bootstrap, rng_seed)
    return made


def _rows(some: Sequence[Layer], answers: np.ndarray, draws: int, bootstrap: int, rng_seed: int) -> list[ResultRow]:
    deepest, made = some[-1], []
    base = Place(**deepest.label._asdict(), setting="before", **deepest.columns)
    hits = np.stack([one.hit for one in some], axis=1).astype(np.float64)  # (language, layer, query)
    found = []
    for number, language in enumerate(deepest.languages):
        retrieved = np.stack([one.retrieved[number] for one in some])
        seeds = {"draws": draws, "bootstrap": bootstrap, "rng_seed": rng_seed + number}
        best = best_layer.best(hits[number], retrieved, answers, **seeds)
        place = base._replace(source=language, target=deepest.pivot)
        over = precision.interval(hits[number].mean(axis=0), bootstrap, rng_seed)
        made += _figures(place, over, best.value, best.held_out, best.null, best.p, len(answers))
        chosen = some[best.layer].label.layer
        made.append(result_row(place._replace(metric="MEXA_max_layer"), chosen, len(some)))
        found.append(best)
    null = np.mean([best.null for best in found], axis=0)
    value = float(np.mean([best.value.value for best in found]))
    p = float(p_value(null, np.asarray(value), rng_seed, hits))
    over = precision.interval(hits.mean(axis=(0, 1)), bootstrap, rng_seed)
    largest = _mean_of_largest(hits, value, bootstrap, rng_seed)
    scored = np.mean([best_layer.held_out_gains(hit, rng_seed) for hit in hits], axis=0)
    held_out = best_layer.interval_of_mean(scored)
    return [*made, *_figures(base, over, largest, held_out, null, p, len(answers))]


def _mean_of_largest(hits: np.ndarray, value: float, bootstrap: int, rng_seed: int) -> Interval:
    """The mean over languages of their largest layers, with limits that hold for any choice of one layer each."""
    queries, width = hits.shape[-1], 0.0
    if bootstrap:
        weights = precision.resamples(queries, bootstrap, rng_seed) / queries
        away = hits @ weights.T - hits.mean(axis=-1, keepdims=True)  # (language, layer, draw)
        farthest = np.maximum(away.max(axis=1).mean(axis=0), (-away).max(axis=1).mean(axis=0))
        width = float(np.quantile(farthest, 0.95)) or precision.wilson_width(queries)
    return Interval(value, max(value - width, 0.0), min(value + width, 1.0))


def _figures(
    place: Place, over: Interval, largest: Interval, held_out: Interval, null: np.ndarray, p: float, queries: int
) -> list[ResultRow]:
    low, high = np.quantile(null, (0.025, 0.975)).tolist()
    parts = {
        "MEXA_mean": over,
        "MEXA_max": largest,
        "MEXA_max_null": Interval(float(null.mean()), low, high),
        "MEXA_max_held_out": held_out,
    }
    made = []
    for metric, part in parts.items():
        value, low, high = map(figure, part)
        made.append(result_row(place._replace(metric=metric), value, queries, low, high))
    return [*made, result_row(place._replace(metric="MEXA_max_p"), figure(p), queries)]
