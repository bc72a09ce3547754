"""Wrong retrievals of every language pair as words: a sample, the worst ranks, the commonest confusions."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from jaxalign.evaluation.result import SettingRanks
from jaxalign.metrics.evaluated import Evaluated
from jaxalign.types import Split

SAMPLE, WORST, COMMON = 20, 10, 10  # retrievals and words kept of each pair
_BUDGET = 20_000  # retrievals kept of one space; many pairs get fewer each


def errors(evaluated: Evaluated, table: SettingRanks, rng_seed: int = 0) -> list[dict[str, object]]:
    """Returns one record per ordered pair: the columns of the space, setting and pair, and what went wrong in it.

    `queries` and `wrong` are counts; `sample` and `worst` list retrievals as [concept id, query, retrieved word, right
    word, rank], `sample` at random by `rng_seed` in the order of the test set, `worst` by falling rank; `common` lists
    the words that were retrieved most often in place of the right one, as [word, times].
    """
    languages, concepts, split = evaluated.ranks.languages, evaluated.concepts, evaluated.split
    answers = evaluated.answers()
    pairs = [(i, j) for i in range(len(languages)) for j in range(len(languages)) if i != j]
    each = max(3, min(SAMPLE, _BUDGET // max(len(pairs), 1)))
    head = evaluated.label._asdict() | dict(setting=table.setting, seed_size=int(table.seed_size))
    made: list[dict[str, object]] = []
    for number, (i, j) in enumerate(pairs):
        words = (concepts.words[languages[i]], concepts.words[languages[j]])
        rank, retrieved = np.asarray(table.rank[i, j]), np.asarray(table.best[i, j])
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
) -> list[str | int]:
    answer, retrieved = int(tables["answers"][query]), int(tables["retrieved"][query])
    return [split.test[query], words[0][answer], words[1][retrieved], words[1][answer], int(tables["rank"][query])]
