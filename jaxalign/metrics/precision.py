"""Ranks -> fractions with intervals: P@k, MRR, subsets, chance, one flat row a figure.

A rank is 1 + the number of candidates that score strictly higher than the right answer, so everything here is NumPy on
integers and can be repeated from a run's `ranks.npz` without a device.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from math import isfinite
from typing import Protocol

import numpy as np
from jaxtyping import Bool, Float, Int

from jaxalign.types import Concepts, InputError, SpaceLabel, Split

COLUMNS = (
    "model embedding pooling layer source target setting seed_size retrieval csls_k candidates completion subset "
    "metric value count low high"
).split()
MEAN = "mean"  # in place of a language code: the mean over its pairs
_Z = 1.959964  # 97.5 % point of the normal distribution


class Outcome(Protocol):
    """One retrieval of every pair; `rank`, `best` and `ties` are (source, target, query)."""

    @property
    def setting(self) -> str: ...
    @property
    def seed_size(self) -> int: ...
    @property
    def draw(self) -> int: ...
    @property
    def rank(self) -> np.ndarray: ...
    @property
    def best(self) -> np.ndarray: ...


def precision_at(ranks: Int[np.ndarray, "*pair query"], k: int) -> Float[np.ndarray, "*pair"]:
    """Returns P@k: the fraction of queries whose right answer stands at rank k or better; (source, target)."""
    return gains(ranks, f"P@{k}").mean(axis=-1)


def mrr(ranks: Int[np.ndarray, "*pair query"]) -> Float[np.ndarray, "*pair"]:
    """Returns the mean reciprocal rank, mean of 1 / rank over the queries; (source, target)."""
    return gains(ranks, "MRR").mean(axis=-1)


def gains(ranks: Int[np.ndarray, "*pair query"], metric: str) -> Float[np.ndarray, "*pair query"]:
    """Returns what each query adds to a metric: 1 or 0 for `P@k`, 1 / rank for `MRR`. A rank below 1 adds nothing."""
    ranks = np.asarray(ranks)
    if metric == "MRR":
        return np.where(ranks >= 1, 1 / np.maximum(ranks, 1), 0.0)
    if not metric.startswith("P@") or not metric[2:].isdigit() or int(metric[2:]) < 1:
        raise InputError(f"Expected a metric of P@1, P@2, ... or MRR, got {metric!r}. Set --k to whole numbers from 1.")
    return ((ranks >= 1) & (ranks <= int(metric[2:]))).astype(np.float64)


def expected_gains(
    ranks: Int[np.ndarray, "*pair query"], ties: Int[np.ndarray, "*pair query"], metric: str
) -> Float[np.ndarray, "*pair query"]:
    """Returns what each query adds to a metric where candidates that tie with the right answer stand in random order.

    ranks: 1 + the candidates that score strictly higher; ties: the other candidates that score the same. `P@k` is the
    probability that the right answer is among the first k, `MRR` 1 / (rank + ties / 2), the reciprocal of its mean
    place. The best side of the ties is `gains(ranks, metric)`, the strict side `gains(ranks + ties, metric)`.
    """
    best, ties = gains(ranks, metric), np.asarray(ties)
    if not ties.any():
        return best
    if metric == "MRR":
        return np.where(ranks >= 1, 1 / np.maximum(ranks + ties / 2, 1), 0.0)
    return np.where(ranks >= 1, np.clip((int(metric[2:]) + 1 - ranks) / (ties + 1), 0.0, 1.0), 0.0)


def chance(metric: str, candidates: int) -> float:
    """Returns a metric's expectation when candidates are ordered at random: k/n for P@k, H_n/n for MRR."""
    if metric == "MRR":
        return float(np.sum(1 / np.arange(1, candidates + 1)) / candidates)
    return min(1.0, int(metric[2:]) / candidates)


def kind_subsets(kinds: Sequence[str], rng_seed: int = 0) -> dict[str, Bool[np.ndarray, " query"]]:
    """Returns the masks all, abstract, physical and physical_down (as many physical queries as abstract ones).

    The paper compares abstract with down-sampled physical concepts. Subsets without a query are left out.
    """
    kind = np.asarray(kinds)
    masks = {"all": np.ones(len(kind), bool), "abstract": kind == "abstract", "physical": kind == "physical"}
    physical, wanted = np.flatnonzero(masks["physical"]), int(masks["abstract"].sum())
    if wanted and len(physical):
        down = np.zeros(len(kind), bool)
        size = min(wanted, len(physical))
        down[np.random.default_rng(rng_seed).choice(physical, size, replace=False)] = True
        masks["physical_down"] = down
    return {name: mask for name, mask in masks.items() if mask.any()}


def rows(
    label: SpaceLabel,
    outcomes: Iterable[Outcome],
    concepts: Concepts,
    split: Split,
    languages: Sequence[str],
    *,
    ks: Sequence[int] = (1, 5, 10, 30),
    retrieval: str = "csls",
    csls_k: int = 10,
    candidates: str = "all",
    completion: str = "drop",
    subsets: Mapping[str, np.ndarray] | None = None,
    bootstrap: int = 1000,
    rng_seed: int = 0,
) -> list[dict]:
    """Returns one flat row for every pair, setting, subset and metric, with a 95 % bootstrap interval over concepts.

    Queries stand in the order of `split.test`. `subsets` adds masks of shape (query,) or (source, target, query) to
    those of `kind_subsets`; they are scored where a control is read, at the largest seed dictionary and not on nulls.
    Outcomes that differ only in `draw` (shuffles of the null, seed samples) are averaged. A
    language's mean over its pairs has `mean` as target; the mean over all pairs has `mean` as source and target. Rows
    of the setting `chance` give the expectation without any knowledge.
    """
    kind_of = dict(zip(concepts.ids, concepts.kinds, strict=True))
    kinds = kind_subsets([kind_of[name] for name in split.test], rng_seed)
    metrics = [*(f"P@{k}" for k in ks), "MRR"]
    head = label._asdict()
    tail = dict(retrieval=retrieval, csls_k=csls_k, candidates=candidates, completion=completion)
    made: list[dict] = []
    groups = _by_setting(outcomes)
    largest = {setting: size for setting, size in sorted(groups)}
    for (setting, seed_size), ranks in groups.items():
        _check(ranks, len(languages), len(split.test))
        gain = np.stack([np.mean([gains(r, metric) for r in ranks], axis=0) for metric in metrics])
        controlled = seed_size == largest[setting] and not setting.endswith("null")
        for subset, mask in (kinds | dict(subsets or {}) if controlled else kinds).items():
            figures = intervals(gain, mask, bootstrap, rng_seed)
            made += _flat(head | dict(setting=setting, seed_size=seed_size) | tail, subset, metrics, languages, figures)
    if groups:
        pool = len(concepts.ids) if candidates == "all" else len(split.test)
        made += _chance_rows(head | dict(setting="chance", seed_size=0) | tail, metrics, languages, pool)
    return made


def _by_setting(outcomes: Iterable[Outcome]) -> dict[tuple[str, int], list[np.ndarray]]:
    groups: dict[tuple[str, int], list[np.ndarray]] = {}
    for outcome in outcomes:
        groups.setdefault((outcome.setting, int(outcome.seed_size)), []).append(np.asarray(outcome.rank))
    return groups


def _check(ranks: list[np.ndarray], languages: int, queries: int) -> None:
    for rank in ranks:
        if rank.shape != (languages, languages, queries):
            raise InputError(
                f"Expected ranks of shape {(languages, languages, queries)} (source, target, query), got {rank.shape}. "
                "Pass the languages and the split that made them."
            )


def intervals(
    gain: Float[np.ndarray, "metric source target query"], mask: np.ndarray, bootstrap: int = 1000, rng_seed: int = 0
) -> dict[str, np.ndarray]:
    """Returns value, count, low and high over a subset: (metric, source + 1, target + 1), the last index for the mean.

    Percentile bootstrap (Efron 1979): concepts are drawn with replacement, the same draws for every pair, setting and
    model, so that means over pairs keep their correlation. Each draw is a row of weights, all figures of a draw one
    matrix product. Where every query has the same gain (P@k of 0 or 1) the bootstrap has no width and the bound of
    Wilson (1927) takes its place. With `bootstrap` of 0 low and high are the value.
    """
    metric, languages, _, queries = gain.shape
    source, target = np.nonzero(~np.eye(languages, dtype=bool))
    mask = np.asarray(mask, bool)
    weights = resamples(queries, bootstrap, rng_seed)
    if mask.ndim == 1:
        chosen, inside = gain[:, source, target][..., mask], np.ones((1, int(mask.sum())), np.float32)
        weights = weights[:, mask]
    else:
        inside = mask[source, target].astype(np.float32)
        chosen = gain[:, source, target] * inside
    size = inside.sum(axis=-1)  # (pair or 1,)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = chosen.sum(axis=-1) / size
        drawn = (chosen.reshape(-1, chosen.shape[-1]).astype(np.float32) @ weights.T).reshape(metric, len(source), -1)
        drawn /= inside @ weights.T
        # A draw without any concept of a small subset says nothing: it stands at the value.
        drawn = np.where(np.isnan(drawn), value[..., None], drawn)
    grid = dict(value=_fold(value, source, target, languages))
    limits = bounds(_fold(drawn, source, target, languages)) if bootstrap else (grid["value"], grid["value"])
    grid["low"], grid["high"] = (limit.copy() for limit in limits)
    count = _fold(np.broadcast_to(size, (1, len(source))), source, target, languages, total=True)
    grid["count"] = np.broadcast_to(count, (metric, *count.shape[1:]))
    if bootstrap:
        _widen(grid, np.broadcast_to(size, len(source)).max())
    return grid


@lru_cache(maxsize=4)
def resamples(queries: int, bootstrap: int, rng_seed: int) -> np.ndarray:
    """Returns how often each query is drawn: (bootstrap, query) float32, each row summing to the number of queries."""
    picks = np.random.default_rng(rng_seed).integers(0, queries, (bootstrap, queries))
    flat = picks + queries * np.arange(bootstrap)[:, None]
    return np.bincount(flat.ravel(), minlength=bootstrap * queries).reshape(bootstrap, queries).astype(np.float32)


def _fold(figures: np.ndarray, source: np.ndarray, target: np.ndarray, languages: int, total=False) -> np.ndarray:
    """Returns pairs as a square with one more row and column for means (or sums); NaN where a pair has no query."""
    metric, pairs, *rest = figures.shape
    square = np.full((metric, languages + 1, languages + 1, *rest), np.nan, figures.dtype)
    square[:, source, target] = figures
    filled = ~np.isnan(figures).all(axis=tuple(i for i in range(figures.ndim) if i != 1))
    codes = np.arange(languages)[:, None]
    members = np.concatenate([source == codes, target == codes, np.ones((1, pairs), bool)]) & filled
    known = members.any(axis=1)
    weights = members[known] / (1.0 if total else members[known].sum(axis=1, keepdims=True))
    plain = figures if filled.all() else np.where(filled.reshape(1, -1, *(1 for _ in rest)), figures, 0)
    made = np.tensordot(weights.astype(figures.dtype), plain, axes=(1, 1))
    for figure_of, place in zip(made, np.flatnonzero(known), strict=True):
        row = place if place < languages else -1
        column = place - languages if languages <= place < 2 * languages else -1
        square[:, row, column] = figure_of
    return square


def bounds(drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the 2.5 and 97.5 % points over the last axis, the outer ones of the draws they fall between."""
    draws = drawn.shape[-1]
    first, last = int(0.025 * (draws - 1)), int(np.ceil(0.975 * (draws - 1)))
    parted = np.partition(drawn, (first, last), axis=-1)
    return parted[..., first].astype(np.float64), parted[..., last].astype(np.float64)


def _widen(grid: dict[str, np.ndarray], size: float) -> None:
    none, every = grid["value"] == 0, grid["value"] == 1
    grid["high"][none] = _Z**2 / (size + _Z**2)
    grid["low"][every] = size / (size + _Z**2)


def _flat(head: dict, subset: str, metrics: list[str], languages: Sequence[str], grid: dict) -> list[dict]:
    names = [*languages, MEAN]
    columns = {key: grid[key].round(6).tolist() for key in ("low", "high")}
    columns |= {"value": grid["value"].round(9).tolist(), "count": grid["count"].tolist()}
    made = []
    for m, metric in enumerate(metrics):
        for i, source in enumerate(names):
            for j, target in enumerate(names):
                value, count = columns["value"][m][i][j], columns["count"][m][i][j]
                if isfinite(value) and count >= 1:
                    figures = dict(subset=subset, metric=metric, value=value, count=int(count))
                    bounds = dict(low=columns["low"][m][i][j], high=columns["high"][m][i][j])
                    made.append(_ordered(head | dict(source=source, target=target) | figures | bounds))
    return made


def figure(number: float) -> float:
    """Returns a number as a row holds it: six significant digits, far below any interval."""
    return float(f"{number:.6g}")


def _ordered(row: dict) -> dict:
    return {name: row[name] for name in COLUMNS}


def _chance_rows(head: dict, metrics: list[str], languages: Sequence[str], pool: int) -> list[dict]:
    made = []
    for metric in metrics:
        value = chance(metric, pool)
        figures = dict(subset="all", metric=metric, value=value, count=pool, low=value, high=value)
        pairs = [(s, t) for s in languages for t in languages if s != t] + [(MEAN, MEAN)]
        made += [_ordered(head | dict(source=s, target=t) | figures) for s, t in pairs]
    return made
