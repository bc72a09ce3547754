"""Ranks of the right answers for every language pair and setting.

Each unordered pair is decomposed and multiplied once: W(j, i) = W(i, j)', so the rows of a similarity serve one
direction and its columns the other. On a CPU the pairs are shared between threads, one a core, which run compiled
stages; elsewhere one compiled call does all pairs of a group of settings, spread over the devices (`mesh`).
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxalign.alignment import least_squares, procrustes, reduced
from jaxalign.evaluation import pairs_on_mesh
from jaxalign.evaluation.candidates import Pool, answers, make_pool, score, tiling  # noqa: F401, the kernels suite asks for it here
from jaxalign.evaluation.request import Request, check, tame
from jaxalign.evaluation.settings import grouped, jobs, pairing
from jaxalign.runtime import processes as processes_module
from jaxalign.runtime import threads


class Outcome(NamedTuple):
    """One setting of all ordered pairs: (source, target, query) int32; 0 for a language with itself."""

    setting: str
    seed_size: int  # rows the map was fitted on; 0 for `before`
    draw: int  # number of the shuffle; 0 where there is none
    rank: np.ndarray  # 1 + the candidates that score strictly higher than the right answer
    best: np.ndarray  # row of `spaces` of the best candidate
    ties: np.ndarray  # candidates that score exactly as the right answer


def group_frames(vectors, pools, size, request: Request, workers: int) -> list[reduced.Frame]:
    """One Frame a language for seeds that are the first `size` of the group's rows; for `before` the bare pool."""
    with_test, seeds = size
    if not seeds:
        return [reduced.Frame(None, pool) for pool in pools]
    rows = np.concatenate([request.seed, request.test]) if with_test else request.seed[:seeds]
    thin = reduced.is_thin(seeds, vectors[0].shape[1], request.completion)

    def make(both):
        return reduced.make_frame(*both, rows, thin, request.completion == "identity")

    return list(threads.parallel_map(make, zip(vectors, pools, strict=True), workers))


def is_directed(request: Request) -> bool:
    """Whether the two directions of a pair need maps of their own."""
    return request.map != "orthogonal" or request.translate


def pair_ranks(first, second, names, job, pool: Pool, request: Request) -> tuple[np.ndarray, np.ndarray]:
    """(rank, best, ties) from the first into the second language, and back."""
    if job.setting == "before":
        return score(first.pool, second.pool, request.test, request.test, pool, request)
    *columns, forth, back = pairing(request, job, *names)
    in_order = job.setting in ("after", "ceiling")  # nothing to gather
    places = (None, None) if in_order else columns
    tolerance = procrustes.rank_tolerance(*first.factor.shape)
    sources, targets = reduced.fit(first, second, *places, request.procrustes, request.completion, tolerance)
    return score(sources, targets, forth, back, pool, request)


def directed_ranks(first, second, names, job, pool: Pool, request: Request) -> tuple[np.ndarray, np.ndarray]:
    """As `pair_ranks`, from the vectors, for a map that serves one direction alone."""
    *places, forth, back = pairing(request, job, *names)
    fitted = np.concatenate([request.seed, request.test])  # `after` and `null` take the first seeds of it
    rows, rows_second = (fitted[place] for place in places)
    kind = (request.map, request.procrustes, request.completion, request.ridge, request.scale, request.translate)
    size = pool.buffers.size
    sources, targets = least_squares.fit(first, second, rows, rows_second, pool.rows, size, *kind)
    there, _ = score(sources, targets, forth, back, pool, request)
    sources, targets = least_squares.fit(second, first, rows_second, rows, pool.rows, size, *kind)
    return there, score(sources, targets, back, forth, pool, request)[0]


def mesh_ranks(made, items, names, plan, pool: Pool, request: Request) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(rank, best, ties) forth and back of all items (place in plan, language, language), from one compiled call."""
    paired = [pairing(request, plan[place], names[i], names[j]) for place, i, j in items]
    marks = [answers(forth, back, pool, request) for *_, forth, back in paired]
    fitted = made[0].factor is not None
    columns = np.array([pair[:2] for pair in paired], np.int32) if fitted else np.zeros((len(items), 2, 0), np.int32)
    tolerance = procrustes.rank_tolerance(*made[0].factor.shape) if fitted else 0.0
    fit = (request.procrustes, request.completion, tolerance)
    found = pairs_on_mesh.rank_items(
        made, pairs_on_mesh.Items(np.array(items, np.int32)[:, 1:], columns, np.array(marks)), pool, fit
    )
    return ((pool.results(forth, request), pool.results(back, request)) for forth, back in found)


def outcomes(
    spaces: dict[str, np.ndarray],
    *,
    progress: Callable[[int, int], None] | None = None,
    share: processes_module.Share = processes_module.SINGLE,
    **options,
) -> list[Outcome]:
    """One Outcome for each setting, seed size and draw, all ordered pairs in each, languages in the order of
    `spaces`.

    spaces: language -> (concept, feature), rows aligned by concept; seed, test: row indices. Options, with their
    defaults, are the fields of `checks.Request`. `progress(done, total)` is called after each unordered pair and
    setting. `before` leaves the spaces as they are; `after` fits on the first `seed_size` seed rows; `ceiling` on
    seed and test rows (leaky); `null` on a shuffled seed, scored on the true pairs: chance; `ceiling_null` on
    shuffled seed and test rows, scored against that same shuffled dictionary: what the leak alone gives.
    share: this process's part of a run on several hosts: every process computes its pairs, all get all.
    Raises InputError for what `checks.check` finds.
    """
    request = check(spaces, **options)
    names, plan = list(spaces), jobs(request)
    pairs = [(i, j) for i in range(len(names)) for j in range(i + 1, len(names))]
    found = np.zeros((len(plan), len(pairs), 2, 3, len(request.test)), np.int32)
    process, processes = share
    workers = threads.workers(len(pairs))
    pool = make_pool(len(spaces[names[0]]), request, workers)
    steps = request.normalize
    vectors = [procrustes.normalize(jnp.asarray(tame(rows, steps), jnp.float32), steps) for rows in spaces.values()]
    pools = [reduced.pool_rows(rows, pool.rows, pool.buffers.size) for rows in vectors]
    on_mesh = jax.default_backend() != "cpu" or jax.local_device_count() > 1
    done = 0
    for size, group in grouped(plan):
        kept = [(p, n) for p in group for n in range(len(pairs)) if (p * len(pairs) + n) % processes == process]
        if not kept:
            continue
        items = [(place, *pairs[number]) for place, number in kept]
        if is_directed(request) and size[1]:
            made, rank = vectors, directed_ranks
        else:
            made, rank = group_frames(vectors, pools, size, request, workers), pair_ranks
        if on_mesh and rank is pair_ranks:
            results = mesh_ranks(made, items, names, plan, pool, request)
        else:

            def compute(item, made=made, rank=rank):
                place, i, j = item
                return rank(made[i], made[j], (names[i], names[j]), plan[place], pool, request)

            results = threads.parallel_map(compute, items, workers)
        for cell, both in zip(kept, results, strict=True):
            found[cell] = both
            done += 1
            if progress:
                progress(min(done * processes, len(plan) * len(pairs)), len(plan) * len(pairs))
    return [
        Outcome(*job, *_table(processes_module.gather_rows(rows, -place * len(pairs), share), len(names)))
        for place, (job, rows) in enumerate(zip(plan, found, strict=True))
    ]


def _table(rows: np.ndarray, languages: int) -> np.ndarray:
    """(rank, best and ties, source, target, query) of rows (pair, direction, rank and so on, query)."""
    table = np.zeros((3, languages, languages, rows.shape[-1]), np.int32)
    upper = np.triu_indices(languages, 1)
    table[:, *upper], table[:, *upper[::-1]] = rows[:, 0].swapaxes(0, 1), rows[:, 1].swapaxes(0, 1)
    return table


def ranks(spaces: dict[str, np.ndarray], **options) -> dict[str, np.ndarray]:
    """Setting -> rank of the right answer from 1, (source, target, query) int32; the diagonal is 0.

    Takes the options of `outcomes`, with one seed size and one draw. Languages are in the order of `spaces`.
    """
    return {found.setting: found.rank for found in outcomes(spaces, **{"best": False, **options})}
