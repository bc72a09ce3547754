"""How similar spaces are without a map: rows of every measure, next to the same measure on shuffled dictionaries."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from jaxtyping import Float

from jaxalign import reference
from jaxalign.metrics import isometry_distances, relational
from jaxalign.metrics.rows import Place, ResultRow, result_row
from jaxalign.types import InputError, SpaceLabel

DISTANCES: dict[str, Callable[[np.ndarray], np.ndarray]] = {  # 0 = the same; the same for every dictionary
    "eigenvector_similarity": isometry_distances.eigenvector_similarity,
    "gromov_hausdorff": isometry_distances.gromov_hausdorff,
    "gromov_hausdorff_as_published": isometry_distances.gromov_hausdorff_as_published,
}
SHAPES = ("effective_rank", "anisotropy")  # of one space
DEFAULT = (*relational.MEASURES, *SHAPES)
LEAST_DRAWS = 20  # shuffled dictionaries: a p-value can then be below .05


def rows(
    label: SpaceLabel,
    spaces: Mapping[str, np.ndarray],
    *,
    metrics: Sequence[str] = DEFAULT,
    normalize: tuple[str, ...] = ("unit", "center", "unit"),
    null_draws: int = LEAST_DRAWS,
    rng_seed: int = 0,
    limit: int = 1000,
    neighbours: int = 10,
) -> list[ResultRow]:
    """Returns one flat row for every pair and measure, or every language for the measures of one space.

    Setting `isometry` holds the value, `isometry_null` its mean over `null_draws` shuffled dictionaries with their 95 %
    range, `isometry_calibrated` (value - null) / (1 - null); the metric `CKA_p` (and so on) is the permutation p-value
    (1 + draws that reach the value) / (1 + draws). DISTANCES and SHAPES are the same for every dictionary and have no
    null. At most `limit` concepts, drawn by `rng_seed`, are used, because matrices of concepts by concepts are held; 0
    takes all. `normalize`: steps before RSIM and DISTANCES, over all concepts, as their scripts do; none: raw vectors.

    Raises:
        InputError: unknown measure, fewer than 4 concepts or more neighbours than concepts.
    """
    languages, kept = list(spaces), _sample(spaces, limit, rng_seed)
    check_size(metrics, len(kept), neighbours)
    vectors = _stack([space[kept] for space in spaces.values()], np.float32)
    # Cosines are wanted of raw vectors too, so that the last step is always the length.
    normalized = _stack(
        [reference.unit_rows(reference.normalize(space, normalize)[kept]) for space in spaces.values()], np.float64
    )
    place, count = Place(*label, setting="isometry"), len(kept)
    made: list[ResultRow] = []
    for metric, values in shapes(vectors).items():
        if metric in metrics:
            for code, value in zip(languages, values, strict=True):
                at = place._replace(source=code, target=code, metric=metric)
                made.append(result_row(at, float(value), count))
    if set(metrics) & set(relational.MEASURES):
        measured = relational.relational(
            vectors, normalized, null_draws=null_draws, rng_seed=rng_seed, neighbours=neighbours
        )
        for metric in relational.MEASURES:
            if metric in metrics:
                at = place._replace(metric=metric)
                made += _pair_rows(at, languages, measured.value[metric], measured.null[metric], count)
    for metric, distance in DISTANCES.items():
        if metric in metrics:
            table = distance(normalized)
            made += _pair_rows(place._replace(metric=metric), languages, table, np.empty((0, *table.shape)), count)
    return made


def check_size(metrics: Sequence[str], concepts: int, neighbours: int = 10) -> None:
    """Raises InputError for an unknown measure and for too few concepts."""
    known = (*relational.MEASURES, *DISTANCES, *SHAPES)
    if unknown := [name for name in metrics if name not in known]:
        raise InputError(f"Expected measures of {', '.join(known)}, got {', '.join(unknown)}.")
    if concepts < 4 or neighbours >= concepts:
        wanted = f"at least 4 concepts and more than the {neighbours} neighbours"
        raise InputError(f"Expected {wanted}, got {concepts}. Give more, or drop isometry from --controls.")


def shapes(vectors: Float[np.ndarray, "language concept feature"]) -> dict[str, np.ndarray]:
    """Returns effective_rank and anisotropy of each space: (language,), in float64.

    effective_rank: exp of the entropy of the centred singular values' shares (Roy & Vetterli 2007), between 1 and the
    rank; anisotropy: mean cosine of two different concepts (Ethayarajh 2019), 0 when directions are uniform.
    """
    spaces = [np.asarray(space, np.float64) for space in vectors]
    return {
        "effective_rank": np.array([_effective_rank(space) for space in spaces]),
        "anisotropy": np.array([_mean_cosine(space) for space in spaces]),
    }


def _effective_rank(space: np.ndarray) -> float:
    centred = space - space.mean(0)
    centred = centred / max(float(np.abs(centred).max()), np.finfo(float).tiny)
    gram = centred.T @ centred if len(space) >= space.shape[1] else centred @ centred.T
    values = np.sqrt(np.maximum(np.linalg.eigvalsh(gram), 0))
    # The Gram matrix knows singular values down to the root of its rounding.
    values = values[values > values.max() * np.sqrt(len(values) * np.finfo(float).eps)]
    share = values / values.sum() if len(values) else np.ones(1)
    return float(np.exp(-np.sum(share * np.log(share))))


def _mean_cosine(space: np.ndarray) -> float:
    unit = reference.unit_rows(space)
    count = len(unit)
    return float((np.sum(unit.sum(0) ** 2) - np.sum(unit**2)) / (count * (count - 1)))


def _sample(spaces: Mapping[str, np.ndarray], limit: int, rng_seed: int) -> np.ndarray:
    """The rows of at most `limit` concepts, ascending."""
    total = {len(space) for space in spaces.values()}
    if len(total) != 1:
        raise InputError(f"Expected the same concepts in every language, got {sorted(total)} rows. Align them by id.")
    kept = np.arange(total.pop())
    if limit and len(kept) > limit:
        kept = np.sort(np.random.default_rng(rng_seed).choice(len(kept), limit, replace=False))
    return kept


def _stack(spaces: Sequence[np.ndarray], dtype: type) -> np.ndarray:
    """(language, concept, feature); narrower spaces get columns of zeros, which change no inner product."""
    width = max(space.shape[1] for space in spaces)
    stacked = np.zeros((len(spaces), len(spaces[0]), width), dtype)
    for place, space in enumerate(spaces):
        stacked[place, :, : space.shape[1]] = space
    return stacked


def _pair_rows(place: Place, languages: list[str], value: np.ndarray, null: np.ndarray, count: int) -> list[ResultRow]:
    made = []
    for i, j in zip(*np.nonzero(~np.eye(len(languages), dtype=bool)), strict=True):
        pair = place._replace(source=languages[i], target=languages[j])
        made.append(result_row(pair, float(value[i, j]), count))
        if len(null):
            draws = null[:, i, j]
            mean = float(draws.mean())
            low, high = np.quantile(draws, (0.025, 0.975)).tolist()
            made.append(result_row(pair._replace(setting="isometry_null"), mean, count, low, high))
            calibrated = float((value[i, j] - mean) / max(1 - mean, 1e-9))
            made.append(result_row(pair._replace(setting="isometry_calibrated"), calibrated, count))
            p = float((1 + (draws >= value[i, j]).sum()) / (1 + len(draws)))
            made.append(result_row(pair._replace(metric=f"{place.metric}_p"), p, count))
    return made
