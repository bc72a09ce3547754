"""The best of several layers: its null, its interval and its value on concepts that did not choose it.

A maximum over m layers lies above the score of any one of them even where all are equal, and its expectation grows with
m. So the choice is part of what is tested:

    T = max over layers of (mean over pairs and queries of the hits)

Null: one permutation of the test concepts for each language, carried through all layers; the right answer of query q
from language i to j is then concept s_j(s_i^-1(q)), and the maximum is taken again. Retrieval stays as it is, with its
hubs. Where the test rows of different languages have nothing to do with each other, the permutations are a group under
which the scores are exchangeable, so that p is exact, for `before` and for a map fitted on other concepts (Hoeffding
1952; the maximum over dependent statistics: Westfall and Young 1993). Equal values stand in random order, see
`drawn_p.p_value`. Needed are the best candidates alone, so this is P@1.

Interval: that of the layer that was chosen, from limits that hold for all layers at once (max statistic of a bootstrap
over concepts, the same draws for every layer). Held out: the layer is chosen on one half of the test concepts and
scored on the other, mean over random halves; unbiased for a layer that is chosen on half as many concepts.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from jaxalign.evaluation.options import OptionColumns
from jaxalign.evaluation.result import SettingRanks
from jaxalign.metrics import precision
from jaxalign.metrics.comparisons import model_groups
from jaxalign.metrics.evaluated import Evaluated
from jaxalign.metrics.nulls.drawn_p import p_value
from jaxalign.metrics.precision import Interval
from jaxalign.metrics.rows import Place, ResultRow, figure, result_row
from jaxalign.types import SpaceLabel

HALVES = 200  # random halves of the held-out estimate
_Z = 1.959964


class Outcome(NamedTuple):
    """What one space gave in one setting; pairs are the ordered ones, every target of the first language first."""

    label: SpaceLabel
    columns: OptionColumns
    setting: str
    seed_size: int
    draw: int
    gain: Float[np.ndarray, " query"]  # P@1 of each query, mean over pairs
    retrieved: Int[np.ndarray, "pair query"]  # row of the best candidate


class Best(NamedTuple):
    """The best of several layers."""

    layer: int  # its place among them
    value: Interval  # of the layer that was chosen; the interval holds for all layers at once
    held_out: Interval
    null: Float[np.ndarray, " draw"]  # the maximum where answers are permuted
    p: float
    alike: int  # layers, itself included, that cannot be told from it


def outcomes(evaluated: Evaluated) -> list[Outcome]:
    """The outcomes of a space in every setting but the ceilings; largest seed dictionary, of `null` every draw."""
    largest, made = evaluated.ranks.largest(), []
    for table in evaluated.ranks.tables:
        if not table.setting.startswith("ceiling") and table.seed_size == largest[table.setting].seed_size:
            made.append(_outcome(evaluated, table))
    return made


def _outcome(evaluated: Evaluated, table: SettingRanks) -> Outcome:
    apart = ~np.eye(len(evaluated.ranks.languages), dtype=bool)
    narrow = np.int16 if len(evaluated.concepts.ids) < 2**15 else np.int32
    gain = evaluated.gains(table, "P@1")[apart].mean(axis=0)
    retrieved = np.asarray(table.best)[apart].astype(narrow)
    place = evaluated.label, evaluated.columns, table.setting, int(table.seed_size), table.draw
    return Outcome(*place, gain, retrieved)


def rows(
    given: Sequence[Outcome],
    answers: Int[np.ndarray, " query"],
    *,
    draws: int = 999,
    bootstrap: int = 1000,
    rng_seed: int = 0,
) -> list[ResultRow]:
    """Rows of the best layer of each series and setting with two or more layers; answers: right row of each query.

    The row of metric `best_layer` stands at the layer that was chosen and holds its P@1, mean over pairs; beside it are
    `best_layer_null` (mean and middle 95 % of the null), `best_layer_p`, `best_layer_held_out` and `best_layer_alike`
    (layers that cannot be told from it; `count` is the number of layers). In the setting `null` the row `best_layer`
    holds the maximum over layers of the map of a shuffled dictionary: mean and middle 95 % of its draws, each of which
    is one shuffle of a pair for all layers.
    """
    by_series: dict[tuple[object, ...], list[Outcome]] = {}
    for one in given:
        by_series.setdefault((one.setting, one.label._replace(layer=0), *one.columns.values()), []).append(one)
    made: list[ResultRow] = []
    for (setting, *_), some in by_series.items():
        if len({one.label.layer for one in some}) > 1:
            some.sort(key=lambda one: one.label.layer)
            if str(setting).endswith("null"):
                made += _shuffled_rows(some)
            else:
                made += _rows(some, answers, draws, bootstrap, rng_seed)
    return made


def best(
    gain: Float[np.ndarray, "layer query"],
    retrieved: Int[np.ndarray, "layer pair query"],
    answers: Int[np.ndarray, " query"],
    *,
    draws: int = 999,
    bootstrap: int = 1000,
    rng_seed: int = 0,
) -> Best:
    """The best of two or more layers by their mean gain.

    gain: P@1 of each query, mean over pairs; retrieved: row of the best candidate in all ordered pairs of languages,
    every target of the first language first. Raises InputError for fewer than two layers or two queries.
    """
    gain = np.asarray(gain, np.float64)
    layer = int(np.argmax(gain.mean(axis=1)))
    null = null_maxima(retrieved, answers, draws, rng_seed)
    observed = float((retrieved == answers).mean(axis=(1, 2)).max())
    alike = int((model_groups.compare(gain, max(bootstrap, 1), rng_seed).p[layer] > model_groups.LEVEL).sum())
    p = float(p_value(null, np.asarray(observed), rng_seed, retrieved))
    return Best(layer, _chosen(gain, layer, bootstrap, rng_seed), held_out(gain, rng_seed), null, p, alike)


def null_maxima(
    retrieved: Int[np.ndarray, "layer pair query"], answers: Int[np.ndarray, " query"], draws: int, rng_seed: int
) -> Float[np.ndarray, " draw"]:
    """The largest mean of hits among the layers, once for each draw of permutations, one for each language."""
    layers, pairs, queries = retrieved.shape
    languages = round((1 + (1 + 4 * pairs) ** 0.5) / 2)
    source, target = np.nonzero(~np.eye(languages, dtype=bool))
    answers = np.asarray(answers, retrieved.dtype)
    rng, start = np.random.default_rng(rng_seed), np.broadcast_to(np.arange(queries), (languages, queries))
    highest = np.zeros(draws)
    for draw in range(draws):
        order = rng.permuted(start, axis=1)
        back = np.argsort(order, axis=1)
        permuted = answers[order[target[:, None], back[source]]]
        same = np.packbits((retrieved == permuted).reshape(layers, -1), axis=1)
        highest[draw] = np.max(np.bitwise_count(same).sum(axis=1, dtype=np.int64)) / (pairs * queries)
    return highest


def held_out(gain: Float[np.ndarray, "layer query"], rng_seed: int = 0, halves: int = HALVES) -> Interval:
    """The mean of what each query adds in the layer that the half without it chose, with its 95 % interval.

    The interval is that of a mean over queries; it does not hold the spread of the choice itself.
    """
    return interval_of_mean(held_out_gains(gain, rng_seed, halves))


def held_out_gains(
    gain: Float[np.ndarray, "layer query"], rng_seed: int = 0, halves: int = HALVES
) -> Float[np.ndarray, " query"]:
    """What each query adds in the layer that the half without it chose, mean over random halves."""
    inside = _halves(gain.shape[1], halves, rng_seed)
    first = inside @ gain.T
    chosen_first, chosen_second = first.argmax(axis=1), (gain.sum(axis=1) - first).argmax(axis=1)
    return np.asarray(np.where(inside, gain[chosen_second], gain[chosen_first]).mean(axis=0), np.float64)


def interval_of_mean(gain: Float[np.ndarray, " query"]) -> Interval:
    """The mean over queries with its 95 % interval by the normal distribution, cut at 0 and 1."""
    queries = len(gain)
    value, error = float(gain.mean()), float(gain.std(ddof=1)) / queries**0.5
    width = _Z * error if error > 1e-12 else precision.wilson_width(queries)
    return Interval(value, max(value - width, 0.0), min(value + width, 1.0))


def _halves(queries: int, halves: int, rng_seed: int) -> Bool[np.ndarray, "half query"]:
    start = np.arange(queries) < queries // 2
    return np.random.default_rng([rng_seed, 2]).permuted(np.broadcast_to(start, (halves, queries)), axis=1)


def _chosen(gain: np.ndarray, layer: int, bootstrap: int, rng_seed: int) -> Interval:
    """The value of a layer with the limits that hold for all layers at once."""
    queries, value = gain.shape[1], gain.mean(axis=1)
    error = gain.std(axis=1, ddof=1) / queries**0.5
    varies = error > 1e-12
    limit = _Z
    if bootstrap and varies.any():
        drawn = precision.resamples(queries, bootstrap, rng_seed).astype(np.float64) @ gain[varies].T / queries
        highest = (np.abs(drawn - value[varies]) / error[varies]).max(axis=1)
        limit = max(limit, float(np.quantile(highest, 0.95)))
    width = limit * (error[layer] if varies[layer] else precision.wilson_width(queries) / _Z)
    own = float(value[layer])
    return Interval(own, max(own - width, 0.0), min(own + width, 1.0))


def _rows(some: Sequence[Outcome], answers: np.ndarray, draws: int, bootstrap: int, rng_seed: int) -> list[ResultRow]:
    gain, retrieved = np.stack([one.gain for one in some]), np.stack([one.retrieved for one in some])
    found = best(gain, retrieved, answers, draws=draws, bootstrap=bootstrap, rng_seed=rng_seed)
    place, queries, made = _place(some[found.layer]), len(answers), []
    low, high = np.quantile(found.null, (0.025, 0.975)).tolist()
    parts = {"": found.value, "_null": Interval(float(found.null.mean()), low, high), "_held_out": found.held_out}
    for name, part in parts.items():
        value, low, high = map(figure, part)
        made.append(result_row(place._replace(metric=f"best_layer{name}"), value, queries, low, high))
    made.append(result_row(place._replace(metric="best_layer_p"), figure(found.p), queries))
    return [*made, result_row(place._replace(metric="best_layer_alike"), found.alike, len(some))]


def _shuffled_rows(some: Sequence[Outcome]) -> list[ResultRow]:
    """The best layer of each shuffle of the dictionary, mean and middle 95 % of the shuffles."""
    highest: dict[int, float] = {}
    for one in some:
        highest[one.draw] = max(highest.get(one.draw, 0.0), float(one.gain.mean()))
    values = np.array(list(highest.values()))
    low, high = np.quantile(values, (0.025, 0.975)).tolist()
    place = _place(max(some, key=lambda one: float(one.gain.mean())))._replace(metric="best_layer")
    return [result_row(place, figure(float(values.mean())), len(some[0].gain), figure(low), figure(high))]


def _place(one: Outcome) -> Place:
    return Place(**one.label._asdict(), setting=one.setting, seed_size=one.seed_size, **one.columns)
