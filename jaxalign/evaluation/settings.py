"""What is fitted on what: the settings asked for, and which rows of a pair of languages each of them pairs.

before        no map
after         the map of the first `seed_size` seed rows
ceiling       the map of seed and test rows: leaky
shrunken      as `after`, but drawn towards no map as far as held-out seeds ask for (see `shrinkage`)
null          the map of a shuffled seed, scored on the true pairs: chance
shrunken_null as `shrunken` for a shuffled seed: what its choice finds without a dictionary, which is mostly no map
ceiling_null  the map of shuffled seed and test rows, scored on that same shuffled dictionary: what the leak alone
              gives
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from jaxalign.alignment.reduced import SeedPairs
from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.evaluation.rows import Rows


class Fitted(NamedTuple):
    """The rows that a map is fitted on: the first `size` seed rows, or all seed rows and the test rows."""

    with_test: bool
    size: int  # 0: no map
    is_shrunken: bool = False


class Setting(NamedTuple):
    """One setting to compute for every pair."""

    name: str
    seed_size: int  # rows the map is fitted on; 0 for `before`
    draw: int  # number of the shuffle; 0 where there is none

    @property
    def fitted(self) -> Fitted:
        """What the setting is fitted on; settings that share it share their reduced spaces."""
        return Fitted(self.name.startswith("ceiling"), self.seed_size, self.name.startswith("shrunken"))

    @property
    def is_shuffled(self) -> bool:
        """Whether the seeds are paired in another order than their own."""
        return self.name.endswith("null")


class Pairing(NamedTuple):
    """What a pair of languages is fitted on and scored against in one setting."""

    seeds: SeedPairs  # places among the fitted rows
    source_to_target: Int[np.ndarray, " query"]  # right answers of the test rows
    target_to_source: Int[np.ndarray, " query"]


def settings_of(options: AlignmentOptions, rows: Rows) -> list[Setting]:
    """The settings in the order asked for, `after` and the nulls once per seed size."""
    sizes, everything = options.seed_sizes or (len(rows.seed),), len(rows.seed) + len(rows.test)
    draws, made = range(options.null_draws), []
    for name in options.settings:
        if name == "before":
            made.append(Setting(name, 0, 0))
        elif name in ("after", "shrunken"):
            made += [Setting(name, size, 0) for size in sizes]
        elif name == "ceiling":
            made.append(Setting(name, everything, 0))
        elif name in ("null", "shrunken_null"):
            made += [Setting(name, size, draw) for size in sizes for draw in draws]
        else:
            made += [Setting(name, everything, draw) for draw in draws]
    return made


def pairing(rows: Rows, setting: Setting, rng_seed: int, first: str, second: str) -> Pairing:
    """What the pair of the languages `first` and `second` is fitted on and scored against."""
    straight = np.arange(setting.seed_size)
    mixed, answers = straight, rows.test
    if setting.name in ("null", "shrunken_null"):
        mixed = shuffled(straight, rng_seed, setting.draw, first, second)
    elif setting.name == "ceiling_null":
        seeds, tests = len(rows.seed), len(rows.test)
        order = shuffled(np.arange(tests), rng_seed, setting.draw, first, second)
        mixed = np.concatenate([shuffled(np.arange(seeds), rng_seed, setting.draw, first, second), seeds + order])
        answers = rows.test[order]
    back = _inverse(rows.test, answers)
    if first > second:  # the alphabetically first language's rows are paired with shuffled rows of the other
        return Pairing(SeedPairs(mixed, straight), back, answers)
    return Pairing(SeedPairs(straight, mixed), answers, back)


def shuffled(rows: np.ndarray, rng_seed: int, draw: int, first: str, second: str) -> np.ndarray:
    """`rows` in a random order that depends only on the draw and the two names, whatever their order."""
    words = "\0".join(sorted((first, second))).encode()
    return np.random.default_rng([rng_seed, draw, *words]).permutation(rows)


def _inverse(test: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """For each test row as an answer, the test row whose answer it is."""
    query_of = np.empty(test.max() + 1, test.dtype)
    query_of[answers] = test
    return query_of[test]
