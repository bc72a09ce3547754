"""Differences with a test: before and after, abstract and physical, model and model, retrieval and chance.

Every test is a permutation test over concepts, so that a mean over pairs is tested with the correlation of its pairs.
P-values are two-sided for differences, (1 + draws at least as far from 0) / (1 + draws), and never 0. Where nothing was
planted those of MRR are uniform; those of P@1 are so up to ties, which count against the difference, as they do in
McNemar's and Fisher's exact tests.
"""

import zlib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from math import isfinite
from typing import NamedTuple, cast

import numpy as np
from jaxtyping import Float, Int

from jaxalign.evaluation.options import OptionColumns
from jaxalign.evaluation.result import SettingRanks
from jaxalign.metrics import precision
from jaxalign.metrics.evaluated import Evaluated
from jaxalign.metrics.gains import expected_gains
from jaxalign.metrics.rows import MEAN, Place, ResultRow, figure, result_row
from jaxalign.types import SpaceLabel

SETTING_PAIRS = (
    ("after", "before"), ("after", "null"), ("ceiling", "ceiling_null"),
    ("shrunken", "before"), ("shrunken", "after"), ("shrunken", "shrunken_null"),
)  # fmt: skip


_DEALT_AT_ONCE = 1 << 23  # shuffled answers held in memory


class Tested(NamedTuple):
    """A figure of all pairs with its interval and p-value, (source + 1, target + 1) each, the last index for means."""

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p: np.ndarray | None
    queries: int


class ModelRanks(NamedTuple):
    """One model's ranks in one setting."""

    label: SpaceLabel
    table: SettingRanks


def rows(
    evaluated: Evaluated, *, metrics: Sequence[str] = ("P@1", "MRR"), draws: int = 999, rng_seed: int = 0
) -> list[ResultRow]:
    """Rows of differences and their p-values, for every pair, each language's mean, and the mean of all pairs.

    A difference of settings has the setting `after - before` (and so on), of subsets the subset `abstract - physical`;
    the row of metric `P@1` holds the difference with its bootstrap interval, that of `P@1_p` the p-value. `P@1_p` rows
    of a plain setting except the leaky ceilings test the retrieval itself against shuffled answers. Each
    `abstract_NAME` of one mask for all pairs is compared with its `physical_NAME`. Largest seed dictionary of each
    setting, first draw.
    """
    largest, languages = evaluated.ranks.largest(), evaluated.ranks.languages
    masks = {name: mask for name, mask in evaluated.masks(rng_seed).items() if np.ndim(mask) == 1 and np.any(mask)}
    places = {setting: evaluated.place(setting, int(table.seed_size)) for setting, table in largest.items()}
    made: list[ResultRow] = []
    # Where there was nothing to draw down, physical_down is physical: the same test twice.
    names = {name: mask.tobytes() for name, mask in masks.items()}
    distinct = [name for name in names if name != "physical_down" or names[name] != names.get("physical")]
    for metric in metrics:
        tables = {setting: evaluated.gains(table, metric) for setting, table in largest.items()}
        for left, right in SETTING_PAIRS:
            if left in tables and right in tables:
                result = paired(tables[left] - tables[right], draws, rng_seed)
                place = places[left]._replace(setting=f"{left} - {right}", metric=metric)
                made += _tested_rows(place, languages, result)
        for left, right in subset_pairs(distinct):
            for setting, gain in tables.items():
                result = between(gain, masks[left], masks[right], draws, rng_seed)
                place = places[setting]._replace(subset=f"{left} - {right}", metric=metric)
                made += _tested_rows(place, languages, result)
    return made + chance_p_values(evaluated, draws, rng_seed)


def chance_p_values(evaluated: Evaluated, draws: int, rng_seed: int) -> list[ResultRow]:
    """Rows of `P@1_p`: how often shuffled answers are retrieved as often as the right ones."""
    answers, made = evaluated.answers(), []
    for setting, table in evaluated.ranks.largest().items():
        # A map that has seen the answers finds them by more than chance: a ceiling is compared with ceiling_null.
        if not setting.startswith("ceiling"):
            p = permutation_p(np.asarray(table.best), answers, draws, rng_seed)
            place = evaluated.place(setting, int(table.seed_size))._replace(metric="P@1_p")
            made += _tested_rows(place, evaluated.ranks.languages, Tested(p, p, p, None, len(answers)))
    return made


def subset_pairs(names: Iterable[str]) -> list[tuple[str, str]]:
    """(abstract, physical), (abstract, physical_down), each abstract_NAME with its physical_NAME, if both are known."""
    known = list(names)
    pairs = [(name, name.replace("abstract", "physical", 1)) for name in known if name.startswith("abstract")]
    pairs.append(("abstract", "physical_down"))
    return [pair for pair in pairs if set(pair) <= set(known)]


def models(
    first: ModelRanks,
    second: ModelRanks,
    languages: Sequence[str],
    columns: OptionColumns,
    *,
    metric: str = "P@1",
    draws: int = 999,
    rng_seed: int = 0,
) -> list[ResultRow]:
    """Rows of one model's score less another's on the same test concepts; setting `after - after`.

    Every label column in which the two differ reads `ONE - OTHER`.
    """
    label = SpaceLabel._make(
        left if left == right else f"{left} - {right}" for left, right in zip(first.label, second.label, strict=True)
    )
    setting = f"{first.table.setting} - {second.table.setting}"
    place = Place(*label, setting=setting, seed_size=int(first.table.seed_size), metric=metric, **columns)
    left, right = (expected_gains(one.table.rank, one.table.ties, metric) for one in (first, second))
    return _tested_rows(place, languages, paired(left - right, draws, rng_seed))


def paired(difference: Float[np.ndarray, "source target query"], draws: int = 999, rng_seed: int = 0) -> Tested:
    """Mean difference, bootstrap interval and p of the sign-flip test.

    If two settings are exchangeable, each concept's difference is as likely as its negative (Fisher 1935); for P@1 this
    is the randomised form of McNemar's test.
    """
    cells = _with_means(difference)
    size, flat = cells.shape[-1], cells.reshape(-1, cells.shape[-1]).astype(np.float32)
    signs = _signs(size, draws, rng_seed)
    value = cells.mean(axis=-1)
    p = _p_value(np.abs(flat @ signs.T / size), np.abs(value).reshape(-1)).reshape(value.shape)
    drawn = flat @ precision.resamples(size, 1000, rng_seed).T / size
    low, high = (bound.reshape(value.shape) for bound in precision.bounds(drawn))
    width = np.where(cells.min(-1) == cells.max(-1), precision.wilson_width(size), 0.0)  # no spread to resample
    low, high = np.maximum(low - width, -1.0), np.minimum(high + width, 1.0)
    return Tested(value, low, high, p, size)


def between(
    gain: Float[np.ndarray, "source target query"],
    left: np.ndarray,
    right: np.ndarray,
    draws: int = 999,
    rng_seed: int = 0,
) -> Tested:
    """Returns the left subset's mean less the right's, its bootstrap interval and p when labels are shuffled.

    `left` and `right` are disjoint masks (query,); the concepts of both are dealt to the two sides at random.
    """
    kept = left | right
    cells, member = _with_means(gain[..., kept]), left[kept]
    size, flat = len(member), cells.reshape(-1, len(member)).astype(np.float32)
    first, other = int(member.sum()), size - int(member.sum())
    value = cells[..., member].mean(-1) - cells[..., ~member].mean(-1)
    total = flat.sum(axis=1, keepdims=True)
    dealt = flat @ _deals(size, first, draws, rng_seed)
    p = _p_value(np.abs(dealt * (1 / first + 1 / other) - total / other), np.abs(value).reshape(-1))
    # The two sides are different concepts: resamples of their own, or the interval would depend on the concepts' order.
    drawn = [
        flat[:, side] @ precision.resamples(int(side.sum()), 1000, rng_seed, stream).T / side.sum()
        for stream, side in ((1, member), (2, ~member))
    ]
    low, high = (bound.reshape(value.shape) for bound in precision.bounds(drawn[0] - drawn[1]))
    left_width, right_width = _side_widths(cells[..., member]), _side_widths(cells[..., ~member])
    low = value - np.sqrt((value - low) ** 2 + left_width.below**2 + right_width.above**2)
    high = value + np.sqrt((high - value) ** 2 + left_width.above**2 + right_width.below**2)
    return Tested(value, np.maximum(low, -1.0), np.minimum(high, 1.0), p.reshape(value.shape), size)


class Widths(NamedTuple):
    """How far an interval reaches beyond a mean where the bootstrap has no spread."""

    below: np.ndarray
    above: np.ndarray


def _side_widths(cells: Float[np.ndarray, "source target query"]) -> Widths:
    """Widths of means of 0 or 1, by the bound of Wilson (Newcombe 1998, method 10); 0 for others, which vary."""
    width = precision.wilson_width(cells.shape[-1])
    every, none = (cells.min(-1) >= 1), (cells.max(-1) <= 0)
    return Widths(np.where(every, width, 0.0), np.where(none, width, 0.0))


@lru_cache(maxsize=2)
def _signs(size: int, draws: int, rng_seed: int) -> np.ndarray:
    return np.random.default_rng(rng_seed).integers(0, 2, (draws, size)).astype(np.float32) * 2 - 1


@lru_cache(maxsize=8)
def _deals(size: int, first: int, draws: int, rng_seed: int) -> np.ndarray:
    """(query, draw): 1 for the `first` concepts dealt to the first side."""
    start = np.arange(size) < first
    dealt = np.random.default_rng(rng_seed).permuted(np.broadcast_to(start, (draws, size)), axis=1)
    return np.ascontiguousarray(dealt.T, np.float32)


def permutation_p(
    best: Int[np.ndarray, "source target query"],
    answers: Int[np.ndarray, " query"],
    draws: int = 999,
    rng_seed: int = 0,
    split_ties: bool = True,
) -> Float[np.ndarray, "source target"]:
    """Returns the p-value of P@1 when the right answers are dealt to the queries at random: (source + 1, target + 1).

    `best` holds the row of the best candidate, `answers` that of the right one; the last row and column test the means
    over pairs, with the same deal for every pair. About one hit is expected by chance, so that many deals tie with the
    observed count. `split_ties` puts the observed one at a random place among its equals, which makes p uniform where
    there is nothing but chance (a randomised test: Lehmann & Romano 2005, 3.2); the place is drawn from `rng_seed` and
    `best`, the same for the same retrieval. Without it equals count against the retrieval: p is too large, never too
    small.
    """
    digest = zlib.crc32(np.ascontiguousarray(best, np.int64).tobytes())
    rng, place = np.random.default_rng(rng_seed), np.random.default_rng([rng_seed, digest])
    apart = ~np.eye(len(best), dtype=bool)
    small = np.int16 if max(best.max(), answers.max()) < 2**15 else np.int32  # narrow integers compare fastest
    best_of_pair, answers = best[apart].astype(small), answers.astype(small)

    def count(dealt: np.ndarray) -> np.ndarray:
        """(draw, source + 1, target + 1) hits, given (query, draw) answers."""
        found = np.zeros((dealt.shape[1], len(best) + 1, len(best) + 1), np.int64)
        found[:, :-1, :-1][:, apart] = np.stack([_equal(own, dealt) for own in best_of_pair], axis=-1)
        found[:, :-1, -1], found[:, -1, :-1] = found[:, :-1, :-1].sum(2), found[:, :-1, :-1].sum(1)
        found[:, -1, -1] = found[:, :-1, -1].sum(1)
        return found

    hits = count(answers[:, None])[0]
    above, equal = np.zeros(hits.shape), np.zeros(hits.shape)
    at_once = max(1, min(draws, _DEALT_AT_ONCE // len(answers)))
    for start in range(0, draws, at_once):
        size = min(at_once, draws - start), len(answers)
        by_chance = count(np.ascontiguousarray(rng.permuted(np.broadcast_to(answers, size), axis=1).T))
        above += (by_chance > hits).sum(axis=0)
        equal += (by_chance == hits).sum(axis=0)
    share = 1 - place.random(hits.shape) if split_ties else 1.0
    return (above + share * (equal + 1)) / (draws + 1)


def _equal(best: np.ndarray, dealt: Int[np.ndarray, "query draw"]) -> np.ndarray:
    """Returns how many queries have their best candidate dealt, in each draw.

    Summed in bytes, which hold at most 255 queries, and for one pair at a time, so that it all fits the cache.
    """
    same, found = (best[:, None] == dealt).view(np.uint8), np.zeros(dealt.shape[1], np.int64)
    for start in range(0, len(best), 255):
        found += same[start : start + 255].sum(axis=0, dtype=np.uint8)
    return found


def _with_means(cells: np.ndarray) -> np.ndarray:
    """One more row and column: means over a language's pairs, then over all; the diagonal is left out and 0."""
    size = len(cells)
    whole = np.zeros((size + 1, size + 1, cells.shape[-1]))
    whole[:size, :size] = np.where(~np.eye(size, dtype=bool)[..., None], cells, 0.0)
    whole[:size, size], whole[size, :size] = whole[:size].sum(1) / (size - 1), whole[:, :size].sum(0) / (size - 1)
    whole[size, size] = whole[:size, size].mean(0)
    return whole


def _p_value(drawn: np.ndarray, observed: np.ndarray) -> np.ndarray:
    return (1 + np.sum(drawn >= observed[:, None] - 1e-6, axis=1)) / (1 + drawn.shape[1])


def _tested_rows(place: Place, languages: Sequence[str], tested: Tested) -> list[ResultRow]:
    names, whole, made = [*languages, MEAN], result_row(place, 0.0, tested.queries), []
    values, lows, highs = (number.tolist() for number in (tested.value, tested.low, tested.high))
    for i, source in enumerate(names):
        for j, target in enumerate(names):
            if (i == j and source != MEAN) or not isfinite(values[i][j]):
                continue
            at = {"source": source, "target": target}
            value, low, high = (figure(number[i][j]) for number in (values, lows, highs))
            made.append(cast(ResultRow, {**whole, **at, "value": value, "low": low, "high": high}))
            if tested.p is not None:
                p = figure(tested.p[i, j])
                at["metric"] = f"{place.metric}_p"
                made.append(cast(ResultRow, {**whole, **at, "value": p, "low": p, "high": p}))
    return made
