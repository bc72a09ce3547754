"""How alike two spaces are without a map: every measure for all pairs at once, beside the same on shuffled concepts.

Each measure of a pair is an inner product of two (concept, concept) matrices, one a language: K of centred vectors for
CKA, cosines for RSIM, neighbour indicators for mutual kNN. They are made once, and a shuffled dictionary is a gather.
"""

from collections.abc import Mapping, Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxalign.metrics.rows import Place, ResultRow, result_row
from jaxalign.types import InputError, SpaceLabel

LIKENESS = ("CKA", "CKA_unbiased", "RSIM", "mutual_kNN", "MEXA")  # 1 = the same; they use the dictionary
DISTANCES = ("eigenvector_similarity", "gromov_hausdorff")  # 0 = the same; blind to the dictionary
SHAPES = ("effective_rank", "anisotropy")  # of one space
DEFAULT = (*LIKENESS, *SHAPES)
_EXACT = jax.lax.Precision.HIGHEST


def rows(
    label: SpaceLabel,
    spaces: Mapping[str, np.ndarray],
    *,
    metrics: Sequence[str] = DEFAULT,
    null_draws: int = 20,
    rng_seed: int = 0,
    limit: int = 1000,
    neighbours: int = 10,
) -> list[ResultRow]:
    """Returns one flat row for every pair and measure, or every language for the measures of one space.

    Setting `isometry` holds the value, `isometry_null` its mean over `null_draws` shuffled dictionaries with their 95 %
    range, `isometry_calibrated` (value - null) / (1 - null); the metric `CKA_p` (and so on) is the permutation p-value
    (1 + draws that reach the value) / (1 + draws). Distances and shapes are the same for every dictionary and have no
    null. At most `limit` concepts, drawn by `rng_seed`, are used, since matrices of concepts by concepts are held; 0
    takes all.

    Raises:
        InputError: unknown measure, fewer than 4 concepts or more neighbours than concepts.
    """
    languages, vectors = list(spaces), _sample(spaces, limit, rng_seed)
    check_size(metrics, vectors.shape[1], neighbours)
    place, concepts = Place(*label, setting="isometry"), vectors.shape[1]
    made: list[ResultRow] = []
    for metric, values in shapes(vectors).items():
        if metric in metrics:
            for code, value in zip(languages, values, strict=True):
                at = place._replace(source=code, target=code, metric=metric)
                made.append(result_row(at, float(value), concepts))
    if set(metrics) & set(LIKENESS):
        likeness_of, null = likeness(vectors, null_draws=null_draws, rng_seed=rng_seed, neighbours=neighbours)
        for metric in LIKENESS:
            if metric in metrics:
                made += _pair_rows(
                    place._replace(metric=metric), languages, likeness_of[metric], null[metric], concepts
                )
    for metric, measure in zip(DISTANCES, (eigenvector_similarity, gromov_hausdorff), strict=True):
        if metric in metrics:
            distance = measure(vectors, neighbours) if measure is eigenvector_similarity else measure(vectors)
            no_null = np.empty((0, *distance.shape))
            made += _pair_rows(place._replace(metric=metric), languages, distance, no_null, concepts)
    return made


def _sample(spaces: Mapping[str, np.ndarray], limit: int, rng_seed: int) -> np.ndarray:
    """(language, concept, feature) float32; narrower spaces get columns of zeros, which change no inner product."""
    total = {len(space) for space in spaces.values()}
    if len(total) != 1:
        raise InputError(f"Expected the same concepts in every language, got {sorted(total)} rows. Align them by id.")
    kept = np.arange(total.pop())
    if limit and len(kept) > limit:
        kept = np.sort(np.random.default_rng(rng_seed).choice(len(kept), limit, replace=False))
    width = max(space.shape[1] for space in spaces.values())
    stacked = np.zeros((len(spaces), len(kept), width), np.float32)
    for place, space in enumerate(spaces.values()):
        stacked[place, :, : space.shape[1]] = space[kept]
    return stacked


def check_size(metrics: Sequence[str], concepts: int, neighbours: int = 10) -> None:
    """Raises InputError for an unknown measure and for too few concepts."""
    known = (*LIKENESS, *DISTANCES, *SHAPES)
    if unknown := [name for name in metrics if name not in known]:
        raise InputError(f"Expected measures of {', '.join(known)}, got {', '.join(unknown)}.")
    if concepts < 4 or neighbours >= concepts:
        wanted = f"at least 4 concepts and more than the {neighbours} neighbours"
        raise InputError(f"Expected {wanted}, got {concepts}. Give more, or drop isometry from --controls.")


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


def likeness(
    vectors: Float[np.ndarray, "language concept feature"],
    *,
    null_draws: int = 0,
    rng_seed: int = 0,
    neighbours: int = 10,
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Returns each measure of LIKENESS, (language, language), and on shuffled dictionaries, (draw, language, language).

    CKA: <K, L> / (|K| |L|) of centred linear kernels (Kornblith et al. 2019); CKA_unbiased: the same with the unbiased
    HSIC of Song et al. (2012); RSIM: Pearson correlation of the within-language cosines (Marchisio et al. 2022);
    mutual_kNN: share of nearest neighbours in common (Huh et al. 2024); MEXA: share of concepts whose translation is
    strictly closest in both directions (Kargaran et al. 2024).
    """
    language, concept, _ = vectors.shape
    rng = np.random.default_rng(rng_seed)
    orders = [np.broadcast_to(np.arange(concept), (language, concept))]
    orders += [np.stack([rng.permutation(concept) for _ in range(language)]) for _ in range(null_draws)]
    found = _likeness(jnp.asarray(vectors), jnp.asarray(np.stack(orders)), neighbours)
    every = {name: np.asarray(value, np.float64) for name, value in found.items()}
    return {name: value[0] for name, value in every.items()}, {name: value[1:] for name, value in every.items()}


@partial(jax.jit, static_argnames="neighbours")
def _likeness(vectors: Array, orders: Array, neighbours: int) -> dict[str, Array]:
    language, concept, _ = vectors.shape
    centred = vectors - vectors.mean(axis=1, keepdims=True)
    centred /= jnp.sqrt(jnp.mean(jnp.sum(centred**2, -1), -1))[:, None, None]  # CKA knows no scale; keeps sums near 1
    kernel = jnp.einsum("lcf,ldf->lcd", centred, centred, precision=_EXACT)
    cosine = _cosines(vectors)
    off = 1 - jnp.eye(concept)
    spread = (cosine - (cosine * off).sum((1, 2), keepdims=True) / (concept * (concept - 1))) * off
    diagonal = jnp.diagonal(kernel, axis1=1, axis2=2)
    near = _nearest(cosine, neighbours)
    best = _mutual_best(_unit(vectors))

    def one(order: Array) -> dict[str, Array]:
        # Position c pairs row order[i, c] of language i with row order[j, c] of language j.
        def inner(matrix: Array) -> Array:
            # Whole rows, twice: a gather of single cells is a loop over cells on CPU. The matrices are symmetric.
            moved = jax.vmap(lambda cells, p: cells[p].T[p])(matrix, order)
            shuffled = moved.reshape(language, -1)
            return jnp.matmul(shuffled, shuffled.T, precision=_EXACT)

        own = jax.vmap(jnp.take)(diagonal, order)
        sums = jax.vmap(jnp.take)(kernel.sum(-1) - diagonal, order)
        whole = inner(kernel)
        unbiased = whole - own @ own.T - 2 / (concept - 2) * jnp.matmul(sums, sums.T, precision=_EXACT)
        unbiased += jnp.outer(sums.sum(-1), sums.sum(-1)) / ((concept - 1) * (concept - 2))
        hit = jnp.take_along_axis(best, jnp.broadcast_to(order[:, None], best.shape), axis=2) == order[None]
        return {
            "CKA": _correlate(whole),
            "CKA_unbiased": _correlate(unbiased),
            "RSIM": _correlate(inner(spread)),
            "mutual_kNN": _common(near, order) / (concept * neighbours),
            "MEXA": jnp.mean(hit, axis=-1),
        }

    return jax.lax.map(one, orders)


def _correlate(inner: Array) -> Array:
    length = jnp.sqrt(jnp.maximum(jnp.diagonal(inner), 1e-30))
    return inner / (length[:, None] * length[None, :])


def _unit(vectors: Array) -> Array:
    return vectors / jnp.maximum(jnp.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def _cosines(vectors: Array) -> Array:
    unit = _unit(vectors)
    return jnp.einsum("lcf,ldf->lcd", unit, unit, precision=_EXACT)


def _nearest(cosine: Array, count: int) -> Array:
    """(language, concept, count): the rows nearest to each row, itself left out."""
    return jax.lax.top_k(cosine - 3 * jnp.eye(cosine.shape[1]), count)[1]


def _common(near: Array, order: Array) -> Array:
    """(language, language): neighbours that two languages share, summed over concepts."""
    place = jnp.argsort(order, axis=1)
    moved = jax.vmap(lambda index, p, q: q[index[p]])(near, order, place)  # (language, concept, count), as positions

    def pair(one: Array, other: Array) -> Array:
        return jnp.sum(one[:, :, None] == other[:, None, :])

    return jax.lax.map(lambda one: jax.lax.map(lambda other: pair(one, other), moved), moved)


def _mutual_best(unit: Array) -> Array:
    """(source, target, concept): the target row strictly closest both ways, or -1."""

    def row_best(source: Array, target: Array) -> Array:
        similarity = jnp.matmul(source, target.T, precision=_EXACT)
        alone = jnp.sum(similarity >= similarity.max(axis=1, keepdims=True), axis=1) == 1
        return jnp.where(alone, similarity.argmax(axis=1), -1)

    best = jax.lax.map(lambda source: jax.lax.map(lambda target: row_best(source, target), unit), unit)
    back = jnp.take_along_axis(best.transpose(1, 0, 2), jnp.maximum(best, 0), axis=2)
    return jnp.where((best >= 0) & (back == jnp.arange(unit.shape[1])), best, -1)


def shapes(vectors: Float[np.ndarray, "language concept feature"]) -> dict[str, np.ndarray]:
    """Returns effective_rank and anisotropy of each space: (language,).

    effective_rank: exp of the entropy of the centred singular values' shares (Roy & Vetterli 2007), between 1 and the
    rank; anisotropy: mean cosine of two different concepts (Ethayarajh 2019), 0 when directions are uniform.
    """
    rank, cosine = _shapes(jnp.asarray(vectors))
    return {"effective_rank": np.asarray(rank, np.float64), "anisotropy": np.asarray(cosine, np.float64)}


@jax.jit
def _shapes(vectors: Array) -> tuple[Array, Array]:
    _, concept, feature = vectors.shape
    centred = vectors - vectors.mean(axis=1, keepdims=True)
    form = "lcf,lcg->lfg" if feature <= concept else "lcf,ldf->lcd"
    values = jnp.sqrt(jnp.maximum(jnp.linalg.eigvalsh(jnp.einsum(form, centred, centred, precision=_EXACT)), 0))
    values = jnp.where(values > 1e-3 * values.max(-1, keepdims=True), values, 0)  # float32: smaller ones are rounding
    share = values / jnp.maximum(values.sum(-1, keepdims=True), 1e-30)
    entropy = -jnp.sum(jnp.where(share > 0, share * jnp.log(jnp.maximum(share, 1e-30)), 0), -1)
    total = jnp.sum(jnp.sum(_unit(vectors), axis=1) ** 2, -1)
    return jnp.exp(entropy), (total - concept) / (concept * (concept - 1))


def eigenvector_similarity(
    vectors: Float[np.ndarray, "language concept feature"], neighbours: int = 10
) -> Float[np.ndarray, "language language"]:
    """Returns the sum of squared differences of Laplacian eigenvalues of nearest-neighbour graphs; 0 = isospectral.

    As Søgaard, Ruder & Vulić (2018): over the k largest, k the smaller number whose sum passes 90 % of either spectrum.
    """
    spectra = np.asarray(_spectra(jnp.asarray(vectors), neighbours), np.float64)[:, ::-1]
    share = np.cumsum(spectra, axis=1) / spectra.sum(axis=1, keepdims=True)
    count = 1 + (share < 0.9).sum(axis=1)
    size = len(spectra)
    return np.asarray(
        [[np.sum((spectra[i] - spectra[j])[: min(count[i], count[j])] ** 2) for j in range(size)] for i in range(size)]
    )


@partial(jax.jit, static_argnames="neighbours")
def _spectra(vectors: Array, neighbours: int) -> Array:
    near = _nearest(_cosines(vectors), neighbours)
    edges = jax.nn.one_hot(near, vectors.shape[1]).sum(axis=2)
    edges = jnp.maximum(edges, edges.transpose(0, 2, 1))
    degrees = edges.sum(-1)
    return jnp.linalg.eigvalsh(jax.vmap(jnp.diag)(degrees) - edges)


def gromov_hausdorff(
    vectors: Float[np.ndarray, "language concept feature"], limit: int = 300
) -> Float[np.ndarray, "language language"]:
    """Returns the bottleneck distance of persistence diagrams, a lower bound of the Gromov-Hausdorff distance.

    As Patra et al. (2019): connected components of Vietoris-Rips complexes over centred unit vectors; the first `limit`
    concepts, since the matching is slow. Needs the extra `study` (ripser and persim).
    """
    try:
        from persim import bottleneck
        from ripser import ripser
    except ImportError as error:
        raise InputError(
            "Expected ripser and persim for gromov_hausdorff, got neither. pip install 'jaxalign[study]', or "
            "drop isometry from --controls."
        ) from error
    points = np.asarray(_unit(jnp.asarray(vectors - vectors.mean(axis=1, keepdims=True))))[:, :limit]
    diagrams = [ripser(one, maxdim=0)["dgms"][0] for one in points]
    finite = [diagram[np.isfinite(diagram[:, 1])] for diagram in diagrams]
    distance = np.zeros((len(finite), len(finite)))
    for i in range(len(finite)):
        for j in range(i):
            distance[i, j] = distance[j, i] = bottleneck(finite[i], finite[j])
    return distance
