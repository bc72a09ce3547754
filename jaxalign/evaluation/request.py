"""The door of the geometry room: what is asked for, checked once before anything is computed."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from jaxalign.alignment import procrustes as procrustes_module
from jaxalign.retrieval import ranks
from jaxalign.types import InputError

SETTINGS = ("before", "after", "ceiling", "null", "ceiling_null")
MAPS = ("orthogonal", "least_squares", "ridge")
PRECISIONS = ("highest", "fast")
POOLS = ("all", "test")


class Request(NamedTuple):
    """Everything an evaluation depends on beside the vectors; documented at `check`."""

    seed: np.ndarray
    test: np.ndarray
    settings: tuple[str, ...] = ("before", "after", "ceiling", "null")
    seed_sizes: tuple[int, ...] = ()
    null_draws: int = 1
    rng_seed: int = 0
    retrieval: ranks.Retrieval = "csls"
    csls_k: int = 10
    candidates: str = "all"
    normalize: tuple[str, ...] = ("unit", "center", "unit")
    completion: procrustes_module.Completion = "drop"
    procrustes: str = "auto"
    map: str = "orthogonal"
    ridge: float = 0.1
    scale: bool = False
    translate: bool = False
    memory_budget: int = 4 << 30
    precision: str = "highest"
    tile: int = 400
    best: bool = True


def choice(value: str, choices: Sequence[str], flag: str) -> None:
    """InputError unless `value` is one of `choices`."""
    if value not in choices:
        raise InputError(f"Expected one of {', '.join(choices)}, got {value!r}. Mend --{flag}.")


def check_rows(rows: np.ndarray, concepts: int, what: str) -> np.ndarray:
    """Row indices as int64, each once and within the spaces."""
    found = np.asarray(rows)
    if found.ndim != 1 or not len(found) or not np.issubdtype(found.dtype, np.integer):
        raise InputError(f"Expected {what} as a vector of row indices, got {found.dtype} {found.shape}. Mend --split.")
    if found.min() < 0 or found.max() >= concepts:
        raise InputError(
            f"Expected {what} rows from 0 to {concepts - 1}, got {found.min()}..{found.max()}. Mend --split."
        )
    if len(np.unique(found)) < len(found):
        raise InputError(f"Expected each {what} row once, got {len(found)} rows, some twice. Mend --split.")
    return found.astype(np.int64)


def check_spaces(spaces: dict[str, np.ndarray]) -> tuple[int, int]:
    """(concepts, features) of aligned, finite spaces of two or more languages."""
    if len(spaces) < 2:
        raise InputError(f"Expected two or more languages, got {len(spaces)}. Name more in --languages.")
    shapes = {name: np.shape(vectors) for name, vectors in spaces.items()}
    shape = next(iter(shapes.values()))
    if len(shape) != 2 or 0 in shape or set(shapes.values()) != {shape}:
        raise InputError(f"Expected one shape (concept, feature) for every language, got {shapes}. Align the rows.")
    for name, vectors in spaces.items():
        if not np.isfinite(np.sum(vectors, dtype=np.float64)) and not np.isfinite(vectors).all():
            row = int(np.argmin(np.isfinite(vectors).all(axis=1)))
            raise InputError(
                f"Expected finite vectors, got NaN or infinity in {name}, row {row}. Embed again with --dtype=float32."
            )
    return shape[0], shape[1]


def tame(vectors: np.ndarray, steps: Sequence[str]) -> np.ndarray:
    """The space with numbers whose squares neither overflow float32 nor vanish in it: scaled by powers of two.

    Exact, and no rank depends on it: a map and a cosine ignore a factor common to the space, and, where `unit` is the
    first step, one of each row. A space of the usual size is returned as it is.
    """
    vectors = np.asarray(vectors)
    largest = np.maximum(vectors.max(axis=1, keepdims=True), -vectors.min(axis=1, keepdims=True))
    seen = largest[largest > 0]
    if not seen.size or 2.0**-40 < seen.min() and seen.max() < 2.0**40:
        return vectors
    if tuple(steps[:1]) != ("unit",):
        largest = largest.max(keepdims=True)
    return np.ldexp(np.asarray(vectors, np.float64), -np.frexp(largest)[1]).astype(np.float32)


def is_constant(vectors: np.ndarray, steps: Sequence[str]) -> bool:
    """Whether all rows are one to within rounding: one vector, or, unless `center` comes first, one direction."""
    directed = tuple(steps[:1]) != ("center",)
    for rows in (vectors[:20], vectors):  # the first few tell most spaces
        if not np.isfinite(rows).all():
            return False
        rows = tame(rows, ("unit",) if directed else ())
        if directed:
            length = np.linalg.norm(rows, axis=1, keepdims=True)
            rows = rows / np.where(length > 0, length, 1)
        if np.abs(rows - rows[0]).max() > 2e-6 * max(np.abs(rows).max(), np.finfo(np.float32).tiny):
            return False
    return True


def check(spaces: dict[str, np.ndarray], *, seed, test, **options) -> Request:
    """The Request, every field of it valid for `spaces`.

    seed, test         row indices, disjoint, each row once
    settings           of before, after, ceiling, null, ceiling_null
    seed_sizes         fit on the first n seed rows, for each n; empty: all of them
    null_draws         shuffles, each its own Outcome; rng_seed: where they start
    retrieval          csls, nn or inverted_softmax; csls_k: neighbours
    candidates         all: every row of the spaces; test: the test rows. The neighbourhoods of CSLS, and the sums of
                       the inverted softmax, run over the same rows, of the other language, as MUSE's over the loaded
                       words
    normalize          steps before the fit, of unit, center (mean of all rows of the space)
    completion         drop, identity or arbitrary; see `align.rotation`
    procrustes         svd, polar (matrix products only), or auto: `align.method`
    map                orthogonal, least_squares or ridge (times the mean squared feature)
    scale, translate   also fit a scale, a shift of the origin
    memory_budget      bytes that temporaries may take
    precision          highest: float32 throughout; fast: bfloat16 products, what they leave in doubt in float32 (the
                       same ranks, see `bfloat`)
    tile               rows of the similarity made at once; any value gives the same ranks
    best               also find the best candidates and the ties

    A row of zeros (a constant row after centering) stays zero: its similarity to every candidate is 0, all of them
    ties.
    """
    concepts, _ = check_spaces(spaces)
    for name in ("settings", "seed_sizes", "normalize"):
        if name in options:
            options[name] = tuple(options[name])
    request = Request(seed=check_rows(seed, concepts, "seed"), test=check_rows(test, concepts, "test"), **options)
    if np.intersect1d(request.seed, request.test).size:
        raise InputError("Expected seed and test rows without a common one, got some in both. Mend --split.")
    for setting in request.settings:
        choice(setting, SETTINGS, "settings")
    choice(request.retrieval, ranks.RETRIEVALS, "retrieval")
    choice(request.candidates, POOLS, "candidates")
    choice(request.completion, procrustes_module.COMPLETIONS, "completion")
    choice(request.procrustes, procrustes_module.METHODS, "procrustes")
    choice(request.map, MAPS, "map")
    choice(request.precision, PRECISIONS, "precision")
    procrustes_module.check_steps(request.normalize)
    pool = concepts if request.candidates == "all" else len(request.test)
    if request.retrieval == "csls" and not 1 <= request.csls_k <= pool:
        raise InputError(f"Expected --csls_k from 1 to {pool}, the candidates, got {request.csls_k}. Lower it.")
    sizes = request.seed_sizes or (len(request.seed),)
    if min(sizes) < 1 or max(sizes) > len(request.seed):
        raise InputError(
            f"Expected --seed_sizes from 1 to {len(request.seed)}, the seed rows, got {sizes}. Lower them."
        )
    if request.null_draws < 1:
        raise InputError(
            f"Expected --null_draws of 1 or more, got {request.null_draws}. Drop null from --settings instead."
        )
    return request._replace(seed_sizes=tuple(sizes), procrustes=procrustes_module.method(request.procrustes))
