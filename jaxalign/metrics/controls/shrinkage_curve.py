"""How far each pair's shrunken map is from the fitted one: the lambda chosen, and the curves from plain to no map.

Metrics of the setting `shrunken`, at the whole seed dictionary:

shrinkage   the lambda that cross-validation inside the seed dictionary chose; for the mean of pairs the median
cv_MRR_lambda=0.03 and so on: the mean reciprocal rank of held-out seeds, both directions, among the held-out seeds of
            their part; no test concept is used
P@1_lambda=0.03 and so on: P@1 of the test concepts at that lambda, to read the curve by; nothing is chosen by it

The curve answers how linear and how identical two spaces are: a best lambda of 0 means a rotation that the seeds
determine, one of infinity that the spaces lie on each other as they are.
"""

from collections.abc import Mapping
from itertools import combinations

import numpy as np
from jaxtyping import Float

from jaxalign.evaluation.engine import Engine, Item
from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.evaluation.rows import Rows, checked_rows
from jaxalign.evaluation.settings import Setting
from jaxalign.metrics.gains import expected_gains
from jaxalign.metrics.precision import interval
from jaxalign.metrics.rows import MEAN, Place, ResultRow, figure, result_row
from jaxalign.runtime import threads
from jaxalign.types import SpaceLabel

INFINITE = 1e9  # stands in the rows for a lambda of infinity, which a table of numbers cannot hold


TEST, HELD_OUT = "P@1_lambda=", "cv_MRR_lambda="  # metrics, with the lambda behind; inf for no map


def rows(
    label: SpaceLabel,
    spaces: Mapping[str, Float[np.ndarray, "concept feature"]],
    split_rows: Rows,
    options: AlignmentOptions,
) -> list[ResultRow]:
    """Rows of every pair and of the mean of pairs."""
    split_rows = checked_rows(spaces, split_rows, options)
    engine, names = Engine(spaces, split_rows, options), list(spaces)
    setting = Setting("shrunken", len(split_rows.seed), 0)
    items = [Item(setting, *pair) for pair in combinations(range(len(names)), 2)]
    place = Place(**label._asdict(), setting=setting.name, seed_size=setting.seed_size, **options.columns)

    def curve(value: float) -> Float[np.ndarray, "pair 2 query"]:
        ranked = threads.parallel_map(lambda item: engine.rank_at(item, value), items, threads.workers(len(items)))
        return np.stack([[_gain(side) for side in both] for both in ranked])

    choices = list(threads.parallel_map(engine.choice, items, threads.workers(len(items))))
    gains = np.stack([curve(value) for value in options.shrinkage])  # (lambda, pair, 2, query)
    made: list[ResultRow] = []
    for number, (item, choice) in enumerate(zip(items, choices, strict=True)):
        for side, (source, target) in enumerate(((item.first, item.second), (item.second, item.first))):
            at = place._replace(source=names[source], target=names[target])
            made += _pair_rows(at, choice.shrinkage, choice.curve, gains[:, number, side], options.shrinkage)
    middle = float(np.median([choice.shrinkage for choice in choices]))
    mean_curve = np.mean([choice.curve for choice in choices], axis=0)
    mean = place._replace(source=MEAN, target=MEAN)
    return made + _pair_rows(mean, middle, mean_curve, gains.mean(axis=(1, 2)), options.shrinkage)


def _gain(ranked: np.ndarray) -> Float[np.ndarray, " query"]:
    rank, _, ties = ranked
    return expected_gains(rank, ties, "P@1")


def _pair_rows(
    place: Place, chosen: float, curve: np.ndarray, gains: np.ndarray, grid: tuple[float, ...]
) -> list[ResultRow]:
    queries = gains.shape[-1]
    made = [result_row(place._replace(metric="shrinkage"), figure(min(chosen, INFINITE)), place.seed_size)]
    for value, score, gain in zip(grid, curve, gains, strict=True):
        if np.isfinite(score):
            at = place._replace(metric=f"{HELD_OUT}{value:g}")
            made.append(result_row(at, figure(float(score)), place.seed_size))
        found, at = interval(gain), place._replace(metric=f"{TEST}{value:g}")
        made.append(result_row(at, figure(found.value), queries, figure(found.low), figure(found.high)))
    return made
