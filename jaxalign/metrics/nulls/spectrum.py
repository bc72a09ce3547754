"""Could two unrelated spaces of these spectra score so much? P@1 of a run beside that of random spaces of its shape.

Two nulls, both of the normalised vectors Y (concept, feature) of each language, drawn for each language by itself:

rotated   Y R with R a random rotation of the features (Haar measure on the orthogonal group): every norm, every
          distance within the language and the spectrum stay, and each word keeps its place among the others; the axes
          have nothing to do with those of another language. For `before` alone: a fitted map undoes a rotation. What is
          left is what two spaces of few dimensions share by accident of their axes.
spectrum  1 m + Q (Y - 1 m) with m the mean of the rows and Q a random rotation of the concepts that leaves the vector
          of ones where it is: the mean, the covariance of the features (and so the spectrum, its axes and the mean
          square of the norms) stay exactly; which concept lies where is random, and clusters and hubs are those of a
          Gaussian cloud of that covariance. For `before`, `after` and `ceiling`, whose maps are fitted on the random
          rows as on the true ones. `after` is then scored on rows that the map has not seen and falls to chance, with
          the spread of such spaces; `ceiling` shows what the fit on the test concepts gives for unrelated spaces of
          this spectrum.

Where the rows of a space are a sample whose distribution no such rotation changes, the true space is one draw among the
others, so that its place among the draws is an exact p-value, see `drawn_p.p_value`. Random rotations come from the QR
factors of Gaussian matrices (Stewart 1980, with the signs of Mezzadri 2007).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from jaxalign.alignment.normalize import normalized
from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.evaluation.pairs import evaluate
from jaxalign.evaluation.rows import Rows
from jaxalign.metrics.gains import expected_gains
from jaxalign.metrics.nulls.drawn_p import p_value
from jaxalign.metrics.rows import MEAN, Place, ResultRow, figure, result_row
from jaxalign.types import SpaceLabel

SETTINGS = ("before", "after", "ceiling")
METRICS = ("P@1_rotated", "P@1_spectrum")
LEAST_DRAWS = 20  # a p-value can then be below .05

Scores = dict[str, Float[np.ndarray, "source target"]]  # setting -> P@1


def rows(
    label: SpaceLabel,
    spaces: Mapping[str, Float[np.ndarray, "concept feature"]],
    split_rows: Rows,
    options: AlignmentOptions,
    *,
    draws: int = LEAST_DRAWS,
    rng_seed: int = 0,
) -> list[ResultRow]:
    """Rows of METRICS of every pair and of the mean of pairs: mean and middle 95 % of the draws, and the p-value.

    `P@1_rotated` stands in the setting `before`, `P@1_spectrum` in `before`, `after` and `ceiling`, as far as the
    options ask for them; the whole seed dictionary. The p-values have the metric `P@1_rotated_p` and so on.
    """
    vectors = {code: np.asarray(normalized(np.asarray(one), options.normalize)) for code, one in spaces.items()}
    asked = tuple(setting for setting in SETTINGS if setting in options.settings)
    plain = replace(options, settings=asked, seed_sizes=(), normalize=())
    if not asked:
        return []
    observed = scores(vectors, split_rows, plain)
    drawn: dict[tuple[str, str], list[np.ndarray]] = {}
    factors = {code: spectrum_factor(one) for code, one in vectors.items()}
    for draw in range(draws):
        rng_of = {code: np.random.default_rng([rng_seed, draw, *code.encode()]) for code in vectors}
        if "before" in asked:
            rotated = {code: rotate(one, rng_of[code]) for code, one in vectors.items()}
            only = replace(plain, settings=("before",))
            drawn.setdefault(("before", METRICS[0]), []).append(scores(rotated, split_rows, only)["before"])
        alike = {code: same_spectrum(one, factors[code], rng_of[code]) for code, one in vectors.items()}
        for setting, score in scores(alike, split_rows, plain).items():
            drawn.setdefault((setting, METRICS[1]), []).append(score)
    place, queries = Place(**label._asdict(), **options.columns), len(split_rows.test)
    made: list[ResultRow] = []
    for (setting, metric), tables in drawn.items():
        size = 0 if setting == "before" else len(split_rows.seed) + (queries if setting == "ceiling" else 0)
        at = place._replace(setting=setting, seed_size=size, metric=metric)
        made += _rows(at, list(spaces), observed[setting], np.array(tables), queries, rng_seed)
    return made


def scores(spaces: Mapping[str, np.ndarray], split_rows: Rows, options: AlignmentOptions) -> Scores:
    """P@1 of every ordered pair in each setting, candidates of equal score in random order."""
    ranks = evaluate(spaces, split_rows, options)
    return {table.setting: expected_gains(table.rank, table.ties, "P@1").mean(axis=-1) for table in ranks.tables}


def random_orthogonal(rows: int, columns: int, rng: np.random.Generator) -> Float[np.ndarray, "row column"]:
    """Orthonormal columns of Haar measure, float64; no more columns than rows."""
    left, upper = np.linalg.qr(rng.standard_normal((rows, columns)))
    return np.asarray(left * np.sign(np.diag(upper)))


def rotate(vectors: Float[np.ndarray, "concept feature"], rng: np.random.Generator) -> np.ndarray:
    """The space after a random rotation of its features, float32."""
    width = vectors.shape[1]
    return np.asarray(vectors, np.float64).dot(random_orthogonal(width, width, rng)).astype(np.float32)


def spectrum_factor(vectors: Float[np.ndarray, "concept feature"]) -> Float[np.ndarray, "rank feature"]:
    """F with F'F = (Y - 1 m)'(Y - 1 m), at most concepts - 1 rows, float64."""
    centred = np.asarray(vectors, np.float64)
    return np.asarray(np.linalg.qr(_reflect(centred - centred.mean(axis=0))[1:], mode="r"))


def same_spectrum(
    vectors: Float[np.ndarray, "concept feature"], factor: Float[np.ndarray, "rank feature"], rng: np.random.Generator
) -> np.ndarray:
    """A random space of the same mean and covariance, float32; `factor` is that of `spectrum_factor`.

    With F as above and U orthonormal columns of Haar measure among the vectors that sum to 0, U F is Q (Y - 1 m).
    """
    concepts, features = vectors.shape
    turned = random_orthogonal(concepts - 1, len(factor), rng) @ factor
    spread = _reflect(np.concatenate([np.zeros((1, features)), turned]))
    return np.asarray(spread + np.asarray(vectors, np.float64).mean(axis=0), np.float32)


def _reflect(vectors: Float[np.ndarray, "concept feature"]) -> np.ndarray:
    """The reflection of the concepts that takes the vector of ones to the first axis, and back."""
    count = len(vectors)
    axis = np.full(count, count**-0.5)
    axis[0] -= 1.0
    return np.asarray(vectors - np.outer(axis, (2 / (axis @ axis)) * (axis @ vectors)))


def _rows(
    place: Place, languages: Sequence[str], observed: np.ndarray, drawn: np.ndarray, queries: int, rng_seed: int
) -> list[ResultRow]:
    """observed: (source, target); drawn: (draw, source, target)."""
    apart = ~np.eye(len(languages), dtype=bool)
    ends = [(MEAN, MEAN), *((languages[i], languages[j]) for i, j in np.argwhere(apart).tolist())]
    value = np.concatenate([[observed[apart].mean()], observed[apart]])
    null = np.concatenate([drawn[:, apart].mean(axis=1, keepdims=True), drawn[:, apart]], axis=1)
    p, made = p_value(null, value, rng_seed, value), []
    low, high = np.quantile(null, (0.025, 0.975), axis=0)
    for number, (source, target) in enumerate(ends):
        at = place._replace(source=source, target=target)
        figures = (figure(float(one[number])) for one in (null.mean(axis=0), low, high, p))
        mean, below, above, its_p = figures
        made.append(result_row(at, mean, queries, below, above))
        made.append(result_row(at._replace(metric=f"{place.metric}_p"), its_p, queries))
    return made
