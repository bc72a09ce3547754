"""Figures of parallel sentences, as the literature on bitext retrieval reports them; they hold for words as well.

Of each pair, with c the cosine of query x and candidate y (the score of --retrieval=nn), by setting:

P@1_margin   share of queries whose right answer has the highest ratio margin c(x, y) / (r(x) / 2 + r(y) / 2), where r
             is the mean cosine of the K = 4 nearest in the other language (Artetxe and Schwenk 2019)
F1_margin    weighted F1 of these answers, as mteb's BitextMining has it: of each sentence 2 h / (1 + n), h = 1 where
             its answer is right and n the queries that were given its translation; the mean over sentences
F1_cosine    the same for the highest cosine, the score behind mteb's Tatoeba and NTREX
MEXA         share of queries whose right answer has a higher cosine than any other candidate for the query and any
             other query for the answer (Kargaran et al. 2024, with the language of the pair in place of English)

Queries are the test concepts, candidates those of the run. Published figures have raw cosines and every sentence as a
query and a candidate: --normalize=none --candidates=test. A right answer that ties with t others counts 1 / (1 + t) in
P@1 and F1, and 0 in MEXA.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.evaluation.pair_scores import PairScores, of_pairs
from jaxalign.evaluation.rows import Rows
from jaxalign.evaluation.settings import Setting
from jaxalign.metrics.precision import interval
from jaxalign.metrics.rows import MEAN, Place, ResultRow, figure, result_row
from jaxalign.retrieval.penalties import MARGIN_K
from jaxalign.types import SpaceLabel

K = MARGIN_K
METRICS = ("P@1_margin", "F1_margin", "F1_cosine", "MEXA")


class PairGains(NamedTuple):
    """What each query of an ordered pair adds to each of METRICS, in one setting."""

    setting: Setting
    source: int
    target: int
    gains: Float[np.ndarray, "metric query"]


def rows(
    label: SpaceLabel,
    spaces: Mapping[str, Float[np.ndarray, "concept feature"]],
    split_rows: Rows,
    options: AlignmentOptions,
    *,
    bootstrap: int = 1000,
    rng_seed: int = 0,
) -> list[ResultRow]:
    """Rows of METRICS of every pair and of the mean of pairs, with 95 % intervals over queries, and of chance."""
    cosines = replace(options, retrieval="nn")  # the rows stand in the series of the run's own retrieval
    found, names, made = of_pairs(spaces, split_rows, cosines, gains_of), list(spaces), []
    base = Place(**label._asdict(), **options.columns)
    for setting in dict.fromkeys(one.setting for one in found):
        parts = {(names[one.source], names[one.target]): one.gains for one in found if one.setting == setting}
        parts[MEAN, MEAN] = np.mean(list(parts.values()), axis=0)
        for (source, target), gains in parts.items():
            for metric, gain in zip(METRICS, gains, strict=True):
                value, low, high = interval(gain, bootstrap, rng_seed)
                place = base._replace(source=source, target=target, setting=setting.name, metric=metric)
                place = place._replace(seed_size=setting.seed_size)
                made.append(result_row(place, figure(value), len(gain), figure(low), figure(high)))
    candidates = len(next(iter(spaces.values()))) if options.candidates == "all" else len(split_rows.test)
    queries = len(split_rows.test)
    for metric, value in zip(METRICS, chance(candidates, queries), strict=True):
        made.append(result_row(base._replace(setting="chance", metric=metric), figure(float(value)), queries))
    return made


def gains_of(pair: PairScores) -> PairGains:
    """The gains of one ordered pair; `pair.forward` holds cosines."""
    cosines = pair.forward.astype(np.float64)
    there, back = (_mean_of_best(side) for side in (cosines, cosines.T))
    # A mean of cosines near 0 or below it would turn the order of the ratios around.
    margins = cosines[pair.queries] / np.maximum((there[pair.queries, None] + back) / 2, 1e-6)
    by_margin, by_cosine = (_hits(scores, pair.queries) for scores in (margins, cosines[pair.queries]))
    gains = [by_margin.hit, by_margin.f1, by_cosine.f1, _mexa(cosines, pair.queries)]
    return PairGains(pair.setting, pair.source, pair.target, np.stack(gains))


def chance(candidates: int, queries: int) -> Float[np.ndarray, " metric"]:
    """Expectations of METRICS where every score is drawn at random."""
    from scipy.stats import binom  # half a second to import

    others = np.arange(queries)
    f1 = float((binom.pmf(others, queries - 1, 1 / candidates) * 2 / (2 + others)).sum() / candidates)
    return np.array([1 / candidates, f1, f1, 1 / (2 * candidates - 1)])


class Hits(NamedTuple):
    """Of each query whether its answer is right, and its sentence's F1."""

    hit: Float[np.ndarray, " query"]
    f1: Float[np.ndarray, " query"]


def _hits(scores: Float[np.ndarray, "query candidate"], answers: np.ndarray) -> Hits:
    right = scores[np.arange(len(answers)), answers][:, None]
    higher, same = (scores > right).sum(1), (scores == right).sum(1)
    hit = np.where(higher == 0, 1 / same, 0.0)
    given = np.bincount(scores.argmax(1), minlength=scores.shape[1])[answers]
    return Hits(hit, 2 * hit / (1 + np.maximum(given, 1)))


def _mexa(cosines: Float[np.ndarray, "candidate candidate"], queries: np.ndarray) -> Float[np.ndarray, " query"]:
    right = cosines[queries, queries]
    rivals = cosines.copy()
    np.fill_diagonal(rivals, -np.inf)
    return ((right > rivals[queries].max(1)) & (right > rivals[:, queries].max(0))).astype(np.float64)


def _mean_of_best(cosines: Float[np.ndarray, "row column"]) -> Float[np.ndarray, " row"]:
    k = min(K, cosines.shape[1])
    return np.partition(cosines, -k, axis=1)[:, -k:].mean(1)
