"""Differences with a test: before against after, abstract against physical, model against model, answers against luck.

Every test is a permutation test over concepts, so that a mean over pairs is tested with the correlation of its pairs.
P-values are two-sided for differences, (1 + draws at least as far from 0) / (1 + draws), and never 0. Where nothing was
planted those of MRR are uniform; those of P@1 are so up to ties, which count against the difference, as they do in
McNemar's and Fisher's exact tests.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int

from jaxalign.metrics import precision
from jaxalign.metrics.precision import MEAN, Outcome
from jaxalign.types import Concepts, SpaceLabel, Split

SETTING_PAIRS = (("after", "before"), ("after", "null"), ("ceiling", "ceiling_null"))


def rows(
    label: SpaceLabel,
    outcomes: Iterable[Outcome],
    concepts: Concepts,
    split: Split,
    languages: Sequence[str],
    *,
    metrics: Sequence[str] = ("P@1", "MRR"),
    retrieval: str = "csls",
    csls_k: int = 10,
    candidates: str = "all",
    completion: str = "drop",
    subsets: Mapping[str, np.ndarray] | None = None,
    draws: int = 999,
    rng_seed: int = 0,
) -> list[dict]:
    """Returns rows of differences and their p-values, for every pair, each language's mean, and the mean of all pairs.

    A difference of settings has the setting `after - before` (and so on), of subsets the subset `abstract - physical`;
    the row of metric `P@1` holds the difference with its bootstrap interval, that of `P@1_p` the p-value. `P@1_p` rows
    of a plain setting but the leaky ceilings test the retrieval itself against shuffled answers. `subsets` as in
    `score.rows`; each
    `abstract_NAME` of one mask for all pairs is compared with its `physical_NAME`. Largest seed dictionary of each
    setting, first draw.
    """
    found = _largest(outcomes)
    kind_of = dict(zip(concepts.ids, concepts.kinds, strict=True))
    masks = precision.kind_subsets([kind_of[name] for name in split.test], rng_seed) | dict(subsets or {})
    masks = {name: mask for name, mask in masks.items() if np.ndim(mask) == 1 and np.any(mask)}
    tail = dict(retrieval=retrieval, csls_k=csls_k, candidates=candidates, completion=completion)
    heads = {
        setting: label._asdict() | tail | dict(setting=setting, seed_size=int(one.seed_size), subset="all")
        for setting, one in found.items()
    }
    made: list[dict] = []
    for metric in metrics:
        tables = {setting: precision.gains(one.rank, metric) for setting, one in found.items()}
        for left, right in SETTING_PAIRS:
            if left in tables and right in tables:
                result = paired(tables[left] - tables[right], draws, rng_seed)
                made += _flat(heads[left] | dict(setting=f"{left} - {right}", metric=metric), languages, result)
        for left, right in subset_pairs(masks):
            for setting, gain in tables.items():
                result = between(gain, masks[left], masks[right], draws, rng_seed)
                made += _flat(heads[setting] | dict(subset=f"{left} - {right}", metric=metric), languages, result)
    return made + _luck(found, heads, concepts, split, languages, draws, rng_seed)


def _luck(found, heads, concepts: Concepts, split: Split, languages, draws: int, rng_seed: int) -> list[dict]:
    row_of = {name: row for row, name in enumerate(concepts.ids)}
    answers = np.asarray([row_of[name] for name in split.test])
    made = []
    for setting, one in found.items():
        # A map that has seen the answers finds them by more than luck: a ceiling is held against ceiling_null instead.
        if not setting.startswith("ceiling"):
            p = permutation_p(np.asarray(one.best), answers, draws, rng_seed)
            result = dict(value=p, low=p, high=p, p=None, count=len(answers))
            made += _flat(heads[setting] | dict(metric="P@1_p"), languages, result)
    return made


def subset_pairs(names: Iterable[str]) -> list[tuple[str, str]]:
    """(abstract, physical), (abstract, physical_down), each abstract_NAME with its physical_NAME, if both are known."""
    known = list(names)
    pairs = [(name, name.replace("abstract", "physical", 1)) for name in known if name.startswith("abstract")]
    pairs.append(("abstract", "physical_down"))
    return [pair for pair in pairs if set(pair) <= set(known)]


def models(
    first: SpaceLabel,
    one: Outcome,
    second: SpaceLabel,
    other: Outcome,
    languages: Sequence[str],
    tail: Mapping,
    *,
    metric: str = "P@1",
    draws: int = 999,
    rng_seed: int = 0,
) -> list[dict]:
    """Returns rows of one model's score less another's on the same test concepts; setting `after - after`.

    Every label column in which the two differ reads `ONE - OTHER`; `tail` holds the retrieval columns.
    """
    columns = {
        name: left if left == right else f"{left} - {right}"
        for name, left, right in zip(SpaceLabel._fields, first, second, strict=True)
    }
    columns |= dict(tail) | dict(setting=f"{one.setting} - {other.setting}", seed_size=int(one.seed_size))
    result = paired(precision.gains(one.rank, metric) - precision.gains(other.rank, metric), draws, rng_seed)
    return _flat(columns | dict(subset="all", metric=metric), languages, result)


def paired(difference: Float[np.ndarray, "source target query"], draws: int = 999, rng_seed: int = 0) -> dict:
    """Returns mean difference, bootstrap interval and p of the sign-flip test: (source + 1, target + 1) each.

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
    return dict(value=value, low=low, high=high, p=p, count=size)


def between(
    gain: Float[np.ndarray, "source target query"],
    left: np.ndarray,
    right: np.ndarray,
    draws: int = 999,
    rng_seed: int = 0,
) -> dict:
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
    drawn = [flat[:, s] @ precision.resamples(int(s.sum()), 1000, rng_seed).T / s.sum() for s in (member, ~member)]
    low, high = (bound.reshape(value.shape) for bound in precision.bounds(drawn[0] - drawn[1]))
    return dict(value=value, low=low, high=high, p=p.reshape(value.shape), count=size)


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
    over pairs, with the same deal for every pair. About one hit is expected by luck, so that many deals tie with the
    observed count. `split_ties` puts the observed one at a random place among its equals, which makes p uniform where
    there is nothing but luck (a randomised test: Lehmann & Romano 2005, 3.2); the place is drawn from `rng_seed` and
    `best`, the same for the same retrieval. Without it equals count against the retrieval: p is too large, never too
    small.
    """
    digest = zlib.crc32(np.ascontiguousarray(best, np.int64).tobytes())
    rng, place = np.random.default_rng(rng_seed), np.random.default_rng([rng_seed, digest])
    apart = ~np.eye(len(best), dtype=bool)
    small = np.int16 if max(best.max(), answers.max()) < 2**15 else np.int32  # narrow integers compare fastest
    best, answers = best.astype(small), answers.astype(small)

    def count(dealt: np.ndarray) -> np.ndarray:
        """(draw, source + 1, target + 1) hits, given (draw, query) answers."""
        same = np.packbits(best == dealt[:, None, None], axis=-1)
        found = np.zeros((len(dealt), len(best) + 1, len(best) + 1), np.int64)
        found[:, :-1, :-1] = np.bitwise_count(same).sum(axis=-1, dtype=np.int64) * apart
        found[:, :-1, -1], found[:, -1, :-1] = found[:, :-1, :-1].sum(2), found[:, :-1, :-1].sum(1)
        found[:, -1, -1] = found[:, :-1, -1].sum(1)
        return found

    hits = count(answers[None])[0]
    above, equal = np.zeros(hits.shape), np.zeros(hits.shape)
    for start in range(0, draws, 50):
        luck = count(rng.permuted(np.broadcast_to(answers, (min(50, draws - start), len(answers))), axis=1))
        above += (luck > hits).sum(axis=0)
        equal += (luck == hits).sum(axis=0)
    share = 1 - place.random(hits.shape) if split_ties else 1.0
    return (above + share * (equal + 1)) / (draws + 1)


def _largest(outcomes: Iterable[Outcome]) -> dict[str, Outcome]:
    found: dict[str, Outcome] = {}
    for one in outcomes:
        held = found.get(one.setting)
        if held is None or one.seed_size > held.seed_size:
            found[one.setting] = one
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


def _flat(head: dict, languages: Sequence[str], result: dict) -> list[dict]:
    names, made = [*languages, MEAN], []
    for i, source in enumerate(names):
        for j, target in enumerate(names):
            if (i == j and source != MEAN) or not np.isfinite(result["value"][i, j]):
                continue
            bounds = {name: precision.figure(result[name][i, j]) for name in ("value", "low", "high")}
            row = head | dict(source=source, target=target, count=result["count"]) | bounds
            made.append({name: row[name] for name in precision.COLUMNS})
            if result["p"] is not None:
                p = precision.figure(result["p"][i, j])
                made.append(made[-1] | dict(metric=f"{head['metric']}_p", value=p, low=p, high=p))
    return made
