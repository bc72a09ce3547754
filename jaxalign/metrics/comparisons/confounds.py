"""What a hit depends on: a logistic regression on all confounds at once, and P@1 at their average.

    log(p / (1 - p)) = a + pair + sum_c b_c x_c

with p the chance that the right answer is found first (candidates of equal score count with their chance), x_c a
confound less its mean, over its standard deviation where it has more than two values, and `pair` one effect for each
pair of languages that sum to 0. exp(b_c) is an odds ratio: per standard deviation, or of yes against no; 1 is no
effect. 1 / (1 + exp(-a)) is P@1 of the average pair and concept. By statsmodels: a generalised linear model of the
binomial family (McCullagh and Nelder 1989), standard errors clustered by concept (Liang and Zeger 1986), since all
pairs ask for the same concepts.
"""

import warnings
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from jaxalign.metrics.evaluated import Evaluated
from jaxalign.metrics.precision import Interval
from jaxalign.metrics.rows import Place, ResultRow, figure, result_row
from jaxalign.runtime import threads

SETTINGS = ("before", "after", "null")
# A confound that separates hits from misses has no finite estimate, and its clustered error says nothing: it is left
# out where the estimate (log odds) or its plain error is beyond these.
LARGEST, LARGEST_ERROR = 12.0, 5.0


class Regression(NamedTuple):
    """Odds ratios with 95 % intervals and p-values by confound, and P@1 at the average."""

    odds: dict[str, Interval]
    p: dict[str, float]
    at_average: Interval
    concepts: int


def rows(evaluated: Evaluated, confounds: Mapping[str, Float[np.ndarray, "source target query"]]) -> list[ResultRow]:
    """Rows of the metrics `odds_NAME`, `odds_NAME_p` and `P@1_at_average`, by setting, pair, and all pairs at once.

    Largest seed dictionary, first draw. A pair without hits or without misses has no row.
    """
    # Of small matrices: a fit of 42 pairs took 0.05 s with one BLAS thread and 1 to 4 s with two on a busy machine.
    with threads.one_lapack_thread():
        return _all_rows(evaluated, confounds)


def _all_rows(evaluated: Evaluated, confounds: Mapping[str, np.ndarray]) -> list[ResultRow]:
    languages, made = evaluated.ranks.languages, []
    for setting, table in evaluated.ranks.largest().items():
        if setting not in SETTINGS:
            continue
        hit = evaluated.gains(table, "P@1")
        place = evaluated.place(setting, int(table.seed_size))
        apart = ~np.eye(len(languages), dtype=bool)
        whole = regress(hit[apart], {name: values[apart] for name, values in confounds.items()})
        made += _rows(place, whole)
        for i, source in enumerate(languages):
            for j, target in enumerate(languages):
                if i != j:
                    own = regress(hit[i, j][None], {name: values[i, j][None] for name, values in confounds.items()})
                    made += _rows(place._replace(source=source, target=target), own)
    return made


def regress(
    hit: Float[np.ndarray, "pair query"], confounds: Mapping[str, Float[np.ndarray, "pair query"]]
) -> Regression | None:
    """Returns the regression of hits, each a fraction from 0 to 1; None where there is nothing to estimate.

    Queries with an unknown confound (NaN) are left out. So are confounds that do not vary, that others determine, or
    that separate hits from misses.
    """
    pairs, queries = hit.shape
    known = (
        np.all([np.isfinite(values) for values in confounds.values()], axis=0) if confounds else np.ones_like(hit, bool)
    )
    outcome, groups = hit[known], np.broadcast_to(np.arange(queries), hit.shape)[known]
    columns = {name: _scaled(values[known]) for name, values in confounds.items()}
    effects = _pair_effects(np.broadcast_to(np.arange(pairs)[:, None], hit.shape)[known], pairs)
    fitted = None
    while fitted is None:
        names, design = _independent(columns, effects)
        if not len(outcome) or not 0 < outcome.mean() < 1 or len(np.unique(groups)) <= design.shape[1]:
            return None
        fitted = _fit(outcome, design, groups)
        if fitted is None:
            return None
        unsure = np.where(np.abs(fitted.estimate) > LARGEST, np.inf, fitted.plain_error)
        of_names = unsure[1 : 1 + len(names)]
        if names and of_names.max() > LARGEST_ERROR:
            del columns[names[int(np.argmax(of_names))]]
            fitted = None
        elif unsure.max() > LARGEST_ERROR or not np.isfinite(fitted.error).all():
            return None
    low, high = (fitted.estimate + side * 1.959964 * fitted.error for side in (-1, 1))
    odds = {
        name: Interval(*(float(np.exp(end[1 + place])) for end in (fitted.estimate, low, high)))
        for place, name in enumerate(names)
    }
    average = Interval(*(float(1 / (1 + np.exp(-end[0]))) for end in (fitted.estimate, low, high)))
    p = {name: float(fitted.p[1 + place]) for place, name in enumerate(names)}
    return Regression(odds, p, average, len(np.unique(groups)))


class _Fitted(NamedTuple):
    estimate: np.ndarray
    error: np.ndarray  # clustered
    plain_error: np.ndarray  # as if all outcomes were independent: huge where a column separates hits from misses
    p: np.ndarray


def _fit(outcome: np.ndarray, design: np.ndarray, groups: np.ndarray) -> _Fitted | None:
    """The estimates of each column; None where the fit does not converge."""
    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.generalized_linear_model import GLM

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # separation and fractions: both are dealt with here
        try:
            fitted = GLM(outcome, design, family=Binomial()).fit(
                maxiter=30, cov_type="cluster", cov_kwds={"groups": groups}
            )
        except (ValueError, np.linalg.LinAlgError):
            return None
    plain = np.sqrt(np.diag(fitted.normalized_cov_params))
    estimate = np.nan_to_num(fitted.params, nan=np.inf)
    return _Fitted(estimate, fitted.bse, np.nan_to_num(plain, nan=np.inf), fitted.pvalues)


def _scaled(values: np.ndarray) -> np.ndarray:
    centred = values - values.mean() if len(values) else values
    many = len(np.unique(values)) > 2
    return centred / centred.std() if many else centred


def _pair_effects(pair: np.ndarray, pairs: int) -> np.ndarray:
    """Columns of effects that sum to 0 over the pairs, so that the constant is that of the average pair."""
    made = (pair[:, None] == np.arange(pairs - 1)).astype(float)
    made[pair == pairs - 1] = -1.0
    return made


class _Design(NamedTuple):
    names: list[str]
    columns: np.ndarray


def _independent(columns: Mapping[str, np.ndarray], effects: np.ndarray) -> _Design:
    """The constant, the confounds that are not determined by those before them and the pairs, and the pairs."""
    fixed = np.column_stack([np.ones(len(effects)), effects])
    basis, _ = np.linalg.qr(fixed)
    kept: list[str] = []
    for name, column in columns.items():
        rest = column - basis @ (basis.T @ column)
        length, whole = float(np.linalg.norm(rest)), float(np.linalg.norm(column))
        if whole > 1e-9 and length > 1e-6 * whole:
            kept.append(name)
            basis = np.column_stack([basis, rest / length])
    return _Design(kept, np.column_stack([fixed[:, :1], *(columns[name] for name in kept), fixed[:, 1:]]))


def _rows(place: Place, found: Regression | None) -> list[ResultRow]:
    if found is None:
        return []
    made = [_row(place._replace(metric="P@1_at_average"), found.at_average, found.concepts)]
    for name, odds in found.odds.items():
        made.append(_row(place._replace(metric=f"odds_{name}"), odds, found.concepts))
        at = place._replace(metric=f"odds_{name}_p")
        made.append(result_row(at, figure(found.p[name]), found.concepts))
    return made


def _row(place: Place, one: Interval, count: int) -> ResultRow:
    return result_row(place, figure(one.value), count, figure(one.low), figure(one.high))


def names(metrics: Sequence[str]) -> list[str]:
    """The confounds that rows of these metrics are about, in their order."""
    return [metric.removeprefix("odds_") for metric in metrics if metric.startswith("odds_") and metric[-2:] != "_p"]
