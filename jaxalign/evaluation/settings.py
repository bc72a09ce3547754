"""What is fitted on what: the settings asked for, and which rows of a pair of languages each of them pairs up.

Before, after, ceiling and null are one function with four maps: the identity, fitted on the seed rows, on seed and
test rows, on a shuffled seed.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from jaxalign.evaluation.request import Request


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


def grouped(plan: Sequence[Job]) -> list[tuple[tuple[bool, int], list[int]]]:
    """Places in `plan` that share their frames: (whether the test rows are among the seeds, seed size) -> places."""
    found: dict[tuple[bool, int], list[int]] = {}
    for place, job in enumerate(plan):
        found.setdefault((job.setting.startswith("ceiling"), job.seed_size), []).append(place)
    return sorted(found.items())
