"""Planted ranks of a few languages, and how tests find rows again."""

import numpy as np

from jaxalign.evaluation.result import Ranks, SettingRanks
from jaxalign.metrics.evaluated import Evaluated
from jaxalign.types import Concepts, SpaceLabel, Split

LABEL = SpaceLabel("demo", "vanilla", "last", 4)
COLUMNS = dict(retrieval="csls", csls_k=10, candidates="all", completion="drop")


def study(queries=40, concepts=60, languages=("en", "fr", "th"), seed=0, draws=1, label=LABEL, subsets=None):
    """Random ranks before, and after with two seed dictionaries."""
    rng = np.random.default_rng(seed)
    ids = tuple(f"c{i}" for i in range(concepts))
    kinds = tuple("abstract" if i % 4 == 0 else "physical" for i in range(concepts))
    words = {code: tuple(f"{code}{i}" for i in range(concepts)) for code in languages}
    order = rng.permutation(concepts)
    split = Split(tuple(ids[i] for i in order[queries:]), tuple(ids[i] for i in order[:queries]))
    tables = []
    for setting, size in (("before", 0), ("after", 10), ("after", 20)):
        for draw in range(draws):
            rank = rng.integers(1, 12, (len(languages), len(languages), queries))
            best = np.where(rank == 1, order[:queries], (order[:queries] + 1) % concepts)
            tables.append(SettingRanks(setting, size, draw, rank, best, np.zeros_like(rank)))
    known = Concepts(ids, kinds, words, (("all", concepts),))
    return Evaluated(label, Ranks(tuple(languages), tuple(tables)), known, split, COLUMNS, subsets or {})


def replaced(evaluated, *tables):
    """The same study with other tables."""
    return evaluated._replace(ranks=Ranks(evaluated.ranks.languages, tables))


def pick(rows, **wanted):
    """The rows whose columns have the wanted values."""
    return [row for row in rows if all(row[key] == value for key, value in wanted.items())]
