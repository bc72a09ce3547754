"""Wrong retrievals of every language pair as words: a sample, the worst ranks, the commonest confusions."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jaxalign.metrics.precision import Outcome
from jaxalign.types import Concepts, SpaceLabel, Split

SAMPLE, WORST, COMMON = 20, 10, 10  # retrievals and words kept of each pair
_BUDGET = 20_000  # retrievals kept of one space; many pairs get fewer each


def errors(
    label: SpaceLabel,
    outcome: Outcome,
    concepts: Concepts,
    split: Split,
    languages: Sequence[str],
    rng_seed: int = 0,
) -> list[dict]:
    """Returns one record per ordered pair: the columns of the space, setting and pair, and what went wrong in it.

    `queries` and `wrong` are counts; `sample` and `worst` list retrievals as [concept id, query, retrieved word, right
    word, rank], `sample` at random by `rng_seed` in the order of the test set, `worst` by falling rank; `common` lists
    the words that were retrieved most often in place of the right one, as [word, times].
    """
    row_of = {name: row for row, name in enumerate(concepts.ids)}
    answers = np.asarray([row_of[name] for name in split.test])
    pairs = [(i, j) for i in range(len(languages)) for j in range(len(languages)) if i != j]
    each = max(3, min(SAMPLE, _BUDGET // max(len(pairs), 1)))
    head = label._asdict() | dict(setting=outcome.setting, seed_size=int(outcome.seed_size))
    made = []
    for number, (i, j) in enumerate(pairs):
        words = (concepts.words[languages[i]], concepts.words[languages[j]])
        rank, retrieved = np.asarray(outcome.rank[i, j]), np.asarray(outcome.best[i, j])
        wrong = np.flatnonzero(rank != 1)
        rng = np.random.default_rng([rng_seed, number])
        sample = np.sort(rng.choice(wrong, min(each, len(wrong)), replace=False))
        worst = wrong[np.argsort(-rank[wrong], kind="stable")][: min(WORST, each)]
        common = Counter(words[1][row] for row in retrieved[wrong]).most_common(min(COMMON, each))
        record = head | dict(source=languages[i], target=languages[j], queries=len(rank), wrong=len(wrong))
        tables = dict(answers=answers, rank=rank, retrieved=retrieved)
        made.append(
            record
            | dict(
                sample=[_retrieval(query, split, words, tables) for query in sample],
                worst=[_retrieval(query, split, words, tables) for query in worst],
                common=[[word, times] for word, times in common if times > 1],
            )
        )
    return made


def _retrieval(
    query: int, split: Split, words: tuple[Sequence[str], Sequence[str]], tables: Mapping[str, np.ndarray]
) -> list[Any]:
    answer, retrieved = int(tables["answers"][query]), int(tables["retrieved"][query])
    return [split.test[query], words[0][answer], words[1][retrieved], words[1][answer], int(tables["rank"][query])]
