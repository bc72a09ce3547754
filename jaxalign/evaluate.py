"""Ranks of the right answers for every language pair and setting.

Before, after, ceiling and null are one function with four maps: the identity, fitted on the seed rows, on seed and
test rows, on a shuffled seed. Each unordered pair is decomposed and multiplied once: W(j, i) = W(i, j)', so the rows
of a similarity serve one direction and its columns the other.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxalign import align, retrieve
from jaxalign.align import matmul, unit_rows
from jaxalign.checks import Request, check
from jaxalign.complete import identity_map


class Outcome(NamedTuple):
    """One setting of all ordered pairs, each (source, target, query) int32; the diagonal (a language with itself) is 0."""

    setting: str
    seed_size: int  # rows the map was fitted on; 0 for `before`
    draw: int  # number of the shuffle; 0 where there is none
    rank: np.ndarray  # 1 + the candidates that score strictly higher than the right answer
    best: np.ndarray  # row of `spaces` of the best candidate
    ties: np.ndarray  # candidates that score exactly as the right answer


class Job(NamedTuple):
    """One setting to compute for every pair."""

    setting: str
    seed_size: int
    draw: int


def jobs(request: Request) -> list[Job]:
    """The settings in the order asked for, `after` and the nulls once a seed size."""
    sizes, everything = request.seed_sizes, len(request.seed) + len(request.test)
    found = []
    for setting in request.settings:
        if setting == "before":
            found.append(Job(setting, 0, 0))
        elif setting == "after":
            found += [Job(setting, size, 0) for size in sizes]
        elif setting == "ceiling":
            found.append(Job(setting, everything, 0))
        elif setting == "null":
            found += [Job(setting, size, draw) for size in sizes for draw in range(request.null_draws)]
        else:
            found += [Job(setting, everything, draw) for draw in range(request.null_draws)]
    return found


def shuffle(rows: np.ndarray, rng_seed: int, draw: int, names: tuple[str, str]) -> np.ndarray:
    """`rows` in a random order that depends on the draw and the two names alone, whatever their order."""
    words = "\0".join(sorted(names)).encode()
    return np.random.default_rng([rng_seed, draw, *words]).permutation(rows)


def pairing(
    request: Request, job: Job, first: str, second: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(rows of the first, rows of the second that the fit pairs up, answers to the test rows forth, and back)."""
    seed, test = request.seed[: job.seed_size], request.test
    answers = test
    rows = np.concatenate([request.seed, test]) if job.setting.startswith("ceiling") else seed
    shuffled = rows
    if job.setting == "null":
        shuffled = shuffle(rows, request.rng_seed, job.draw, (first, second))
    elif job.setting == "ceiling_null":
        names = (first, second)
        answers = shuffle(test, request.rng_seed, job.draw, names)
        shuffled = np.concatenate([shuffle(request.seed, request.rng_seed, job.draw, names), answers])
    if first > second:  # the shuffle pairs rows of the alphabetically first name with shuffled rows of the other
        rows, shuffled = shuffled, rows
        back, forth = answers, inverse(test, answers)
    else:
        forth, back = answers, inverse(test, answers)
    return rows, shuffled, forth, back


def inverse(test: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """For each test row as an answer, the test row whose answer it is."""
    found = np.empty(max(test.max(), answers.max()) + 1, test.dtype)
    found[answers] = test
    return found[test]


def mapped(first, second, pool, job: Job, rows, shuffled, request: Request):
    """Rows of the pool of both languages as unit vectors whose products are the similarities of the pair."""
    if job.setting == "before":
        return unit_rows(first[pool]), unit_rows(second[pool])
    return jitted_map(first, second, pool, rows, shuffled, request.completion)


def _jitted_map(first, second, pool, rows, shuffled, completion):
    source, target = first[rows], second[shuffled]
    sources, targets = first[pool], second[pool]
    if completion == "arbitrary":
        return unit_rows(matmul(sources, align.rotation(source, target, completion=completion))), unit_rows(targets)
    tolerance = align.rank_tolerance(*source.shape)
    if len(rows) < first.shape[1]:
        left_span, left_core = jnp.linalg.qr(source.T)
        right_span, right_core = jnp.linalg.qr(target.T)
        left, right = align.bases(matmul(left_core, right_core.T), tolerance)
        left, right = matmul(left_span, left), matmul(right_span, right)
    else:
        left, right = align.bases(matmul(source.T, target), tolerance)
    if completion == "identity":
        return unit_rows(identity_map(sources, left, right)), unit_rows(targets)
    return unit_rows(matmul(sources, left)), unit_rows(matmul(targets, right))


jitted_map = jax.jit(_jitted_map, static_argnames="completion")
product = jax.jit(lambda sources, targets: matmul(sources, targets.T))


def pair_ranks(first, second, names, job, request: Request) -> tuple[retrieve.Ranked, retrieve.Ranked]:
    """Ranks from the first into the second language and back."""
    pool = np.arange(len(first)) if request.candidates == "all" else request.test
    place = np.full(len(first), -1)
    place[pool] = np.arange(len(pool))
    rows, shuffled, forth, back = pairing(request, job, *names)
    sources, targets = mapped(first, second, pool, job, rows, shuffled, request)
    similarity = product(sources, targets)
    found = retrieve.rank_both(
        similarity, place[request.test], place[forth], place[back], request.retrieval, request.csls_k
    )
    return tuple(retrieve.Ranked(*(np.asarray(part) for part in one)) for one in found)  


def unordered_pairs(names: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Indices i < j of every pair of languages."""
    return ((i, j) for i in range(len(names)) for j in range(i + 1, len(names)))


def outcomes(
    spaces: dict[str, np.ndarray],
    *,
    progress: Callable[[int, int], None] | None = None,
    **options,
) -> list[Outcome]:
    """One Outcome for each setting, seed size and draw, all ordered pairs in each, languages in the order of
    `spaces`.

    spaces: language -> (concept, feature), rows aligned by concept; seed, test: row indices. Options, with their
    defaults, are the fields of `checks.Request`. `progress(done, total)` is called after each unordered pair and
    setting. `before` leaves the spaces as they are; `after` fits on the first `seed_size` seed rows; `ceiling` on
    seed and test rows (leaky); `null` on a shuffled seed, scored on the true pairs: chance; `ceiling_null` on
    shuffled seed and test rows, scored against that same shuffled dictionary: what the leak alone gives.
    Raises InputError for what `checks.check` finds.
    """
    request = check(spaces, **options)
    names, plan = list(spaces), jobs(request)
    vectors = [align.normalize(jnp.asarray(rows, jnp.float32), request.normalize) for rows in spaces.values()]
    shape = (3, len(names), len(names), len(request.test))
    tables = [np.zeros(shape, np.int32) for _ in plan]
    pool = np.arange(len(vectors[0])) if request.candidates == "all" else request.test
    pairs = list(unordered_pairs(names))
    for done, (i, j) in enumerate(pairs):
        for place, (job, table) in enumerate(zip(plan, tables, strict=True)):
            forth, back = pair_ranks(vectors[i], vectors[j], (names[i], names[j]), job, request)
            table[:, i, j], table[:, j, i] = forth, back
            if progress:
                progress(done * len(plan) + place + 1, len(pairs) * len(plan))
    for table in tables:
        table[1] = pool[table[1]]
    return [Outcome(*job, *table) for job, table in zip(plan, tables, strict=True)]


def ranks(spaces: dict[str, np.ndarray], **options) -> dict[str, np.ndarray]:
    """Setting -> rank of the right answer from 1, (source, target, query) int32; the diagonal is 0.

    Takes the options of `outcomes`, with one seed size and one draw. Languages are in the order of `spaces`.
    """
    return {found.setting: found.rank for found in outcomes(spaces, **options)}
