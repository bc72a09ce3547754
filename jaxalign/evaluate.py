"""Ranks of the right answers for every language pair and setting.

Before, after, ceiling and null are one function with four maps: the identity, fitted on the seed rows, on seed and
test rows, on a shuffled seed. Each unordered pair is decomposed and multiplied once: W(j, i) = W(i, j)', so the rows
of a similarity serve one direction and its columns the other.
"""

from collections.abc import Callable, Sequence
from threading import Lock
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxalign import align, directed, frames, neighbours, retrieve, threads
from jaxalign.checks import Request, check


class Outcome(NamedTuple):
    """One setting of all ordered pairs: (source, target, query) int32; 0 for a language with itself."""

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
    """(fitted places of the first, of the second, that are paired; answers to the test rows forth, and back)."""
    seeds, tests, test = len(request.seed), len(request.test), request.test
    names, straight = (first, second), np.arange(job.seed_size)
    shuffled, answers = straight, test
    if job.setting == "null":
        shuffled = shuffle(straight, request.rng_seed, job.draw, names)
    elif job.setting == "ceiling_null":
        order = shuffle(np.arange(tests), request.rng_seed, job.draw, names)
        shuffled = np.concatenate([shuffle(np.arange(seeds), request.rng_seed, job.draw, names), seeds + order])
        answers = test[order]
    back = inverse(test, answers)
    if first > second:  # the alphabetically first language's rows are paired with shuffled rows of the other
        return shuffled, straight, back, answers
    return straight, shuffled, answers, back


def inverse(test: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """For each test row as an answer, the test row whose answer it is."""
    found = np.empty(test.max() + 1, test.dtype)
    found[answers] = test
    return found[test]


def tiling(rows: int, request: Request, workers: int) -> tuple[int, retrieve.Plan]:
    """(padded rows, plan): tiles of about 400 rows on a CPU, kept between the sweeps where the budget holds them."""
    tiles = -(-rows // request.tile)
    tile = -(-rows // tiles // neighbours.BLOCK) * neighbours.BLOCK
    keep = (tiles * tile) ** 2 * 4 * workers <= request.memory_budget // 2
    plan = retrieve.Plan(request.retrieval, request.csls_k, tile, keep, request.best)
    return tiles * tile, plan


class Buffers:
    """Similarities to write over: a fresh one costs a page fault for every 4 KiB."""

    def __init__(self, size: int):
        self.size, self.lock = size, Lock()
        self.free: list[jax.Array] = []

    def take(self) -> jax.Array:
        with self.lock:
            return self.free.pop() if self.free else jnp.zeros((self.size, self.size), jnp.float32)

    def give(self, buffer: jax.Array) -> None:
        with self.lock:
            self.free.append(buffer)


class Pool(NamedTuple):
    """The rows that are candidates, the same for every language."""

    rows: np.ndarray
    place: np.ndarray  # place[row] is its position in `rows`
    plan: retrieve.Plan
    buffers: Buffers


def make_pool(concepts: int, request: Request, workers: int) -> Pool:
    rows = np.arange(concepts) if request.candidates == "all" else request.test
    place = np.zeros(concepts, np.int32)
    place[rows] = np.arange(len(rows))
    padded, plan = tiling(len(rows), request, workers)
    return Pool(rows, place, plan, Buffers(padded))


def score(sources, targets, forth, back, pool: Pool, request: Request) -> tuple[np.ndarray, np.ndarray]:
    """(rank, best, ties) of the test rows forth and back, each (3, query); best as a row of the spaces."""
    size, rows = pool.buffers.size, len(pool.rows)
    answers, answers_back = (np.arange(size, dtype=np.int32) for _ in range(2))
    queries = pool.place[request.test]
    answers[queries], answers_back[queries] = pool.place[forth], pool.place[back]
    buffer = pool.buffers.take() if pool.plan.keep else None
    buffer, *found = retrieve.rank_both(
        buffer, sources, targets, answers, answers_back, plan=pool.plan, rows=rows, columns=rows
    )
    tables = [np.stack(one)[:, queries] for one in found]
    if buffer is not None:
        pool.buffers.give(buffer)
    for table in tables:
        table[1] = pool.rows[np.minimum(table[1], rows - 1)]
    return tables[0], tables[1]


def grouped(plan: Sequence[Job]) -> list[tuple[tuple[bool, int], list[int]]]:
    """Places in `plan` that share their frames: (whether the test rows are among the seeds, seed size) -> places."""
    found: dict[tuple[bool, int], list[int]] = {}
    for place, job in enumerate(plan):
        found.setdefault((job.setting.startswith("ceiling"), job.seed_size), []).append(place)
    return sorted(found.items())


def group_frames(vectors, pools, size, request: Request, workers: int) -> list[frames.Frame]:
    """One Frame a language for seeds that are the first `size` of the group's rows; for `before` the bare pool."""
    with_test, seeds = size
    if not seeds:
        return [frames.Frame(None, pool) for pool in pools]
    rows = np.concatenate([request.seed, request.test]) if with_test else request.seed[:seeds]
    thin = frames.is_thin(seeds, vectors[0].shape[1], request.completion)

    def make(both):
        return frames.make_frame(*both, rows, thin, request.completion == "identity")

    return list(threads.spread(make, zip(vectors, pools, strict=True), workers))


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
    tolerance = align.rank_tolerance(*first.factor.shape)
    sources, targets = frames.fit(first, second, *places, request.procrustes, request.completion, tolerance)
    return score(sources, targets, forth, back, pool, request)


def directed_ranks(first, second, names, job, pool: Pool, request: Request) -> tuple[np.ndarray, np.ndarray]:
    """As `pair_ranks`, from the vectors, for a map that serves one direction alone."""
    *places, forth, back = pairing(request, job, *names)
    fitted = np.concatenate([request.seed, request.test])  # `after` and `null` take the first seeds of it
    rows, rows_second = (fitted[place] for place in places)
    kind = (request.map, request.procrustes, request.completion, request.ridge, request.scale, request.translate)
    size = pool.buffers.size
    sources, targets = directed.fit(first, second, rows, rows_second, pool.rows, size, *kind)
    there, _ = score(sources, targets, forth, back, pool, request)
    sources, targets = directed.fit(second, first, rows_second, rows, pool.rows, size, *kind)
    return there, score(sources, targets, back, forth, pool, request)[0]


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
    shape = (3, len(names), len(names), len(request.test))
    tables = [np.zeros(shape, np.int32) for _ in plan]
    pairs = [(i, j) for i in range(len(names)) for j in range(i + 1, len(names))]
    workers = threads.workers(len(pairs))
    pool = make_pool(len(spaces[names[0]]), request, workers)
    vectors = [align.normalize(jnp.asarray(rows, jnp.float32), request.normalize) for rows in spaces.values()]
    pools = [frames.pool_rows(rows, pool.rows, pool.buffers.size) for rows in vectors]
    done = 0
    for size, group in grouped(plan):
        one_way = is_directed(request) and size[1] > 0
        made = vectors if one_way else group_frames(vectors, pools, size, request, workers)
        rank = directed_ranks if one_way else pair_ranks
        items = [(place, i, j) for place in group for i, j in pairs]

        def compute(item, made=made, rank=rank):
            place, i, j = item
            return item, rank(made[i], made[j], (names[i], names[j]), plan[place], pool, request)

        for (place, i, j), (forth, back) in threads.spread(compute, items, workers):
            tables[place][:, i, j], tables[place][:, j, i] = forth, back
            done += 1
            if progress:
                progress(done, len(plan) * len(pairs))
    return [Outcome(*job, *table) for job, table in zip(plan, tables, strict=True)]


def ranks(spaces: dict[str, np.ndarray], **options) -> dict[str, np.ndarray]:
    """Setting -> rank of the right answer from 1, (source, target, query) int32; the diagonal is 0.

    Takes the options of `outcomes`, with one seed size and one draw. Languages are in the order of `spaces`.
    """
    return {found.setting: found.rank for found in outcomes(spaces, **{"best": False, **options})}
