"""Planted ranks of a few languages, and how tests find rows again."""

from types import SimpleNamespace

import numpy as np

from jaxalign.types import Concepts, Split


def study(queries=40, concepts=60, languages=("en", "fr", "th"), seed=0, draws=1):
    """Languages, concepts, split and outcomes with random ranks; every right answer stands among the first eleven."""
    rng = np.random.default_rng(seed)
    ids = tuple(f"c{i}" for i in range(concepts))
    kinds = tuple("abstract" if i % 4 == 0 else "physical" for i in range(concepts))
    words = {code: tuple(f"{code}{i}" for i in range(concepts)) for code in languages}
    order = rng.permutation(concepts)
    split = Split(tuple(ids[i] for i in order[queries:]), tuple(ids[i] for i in order[:queries]))
    outcomes = []
    for setting, size in (("before", 0), ("after", 10), ("after", 20)):
        for draw in range(draws):
            rank = rng.integers(1, 12, (len(languages), len(languages), queries))
            best = np.where(rank == 1, order[:queries], (order[:queries] + 1) % concepts)
            outcomes.append(SimpleNamespace(setting=setting, seed_size=size, draw=draw, rank=rank, best=best))
    return languages, Concepts(ids, kinds, words, (("all", concepts),)), split, outcomes


def pick(rows, **wanted):
    """The rows whose columns have the wanted values."""
    return [row for row in rows if all(row[key] == value for key, value in wanted.items())]
