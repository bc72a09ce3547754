"""P@1 where every word of the target concept counts, next to P@1 of its first word.

Gaps in the gold answers can decide rankings (Kementchedjhieva, Hartmann and Søgaard 2019): "dog" -> "toutou" is no
mistake where the synset lists both "chien" and "toutou".
"""

import numpy as np
from jaxtyping import Bool, Float

from jaxalign.concepts.word_forms import ignoring_case
from jaxalign.evaluation.result import SettingRanks
from jaxalign.metrics.evaluated import Evaluated
from jaxalign.metrics.precision import grid_rows, intervals
from jaxalign.metrics.rows import Place, ResultRow, figure, result_row
from jaxalign.types import Concepts

METRICS = ("P@1_all_answers", "P@1_all_answers - P@1")


def rows(evaluated: Evaluated, *, bootstrap: int = 1000, rng_seed: int = 0) -> list[ResultRow]:
    """Rows of METRICS for every pair, setting and subset of kinds, with a 95 % bootstrap interval over concepts.

    A query is right if its first candidate is the right concept, or one whose word, ignoring case, the target language
    lists for the right concept. Candidates stay the concepts of the run, each with its first word: further words are
    found only where another concept has them. The second metric is the paired difference over the same queries.
    Concepts whose further words are not known give no rows.
    """
    masks, groups, languages = evaluated.masks(rng_seed), evaluated.by_setting(), evaluated.ranks.languages
    if not evaluated.concepts.answers.keys() >= set(languages):
        return []
    made: list[ResultRow] = []
    for (setting, seed_size), tables in groups.items():
        first = np.mean([evaluated.gains(table, "P@1") for table in tables], axis=0)
        every = np.mean([_gains(evaluated, table) for table in tables], axis=0)
        gain = np.stack([every, every - first])
        for subset, mask in masks.items():
            if subset not in evaluated.subsets:
                place = evaluated.place(setting, seed_size)._replace(subset=subset)
                made += grid_rows(place, list(METRICS), languages, intervals(gain, mask, bootstrap, rng_seed))
    return made


def share_rows(concepts: Concepts) -> list[ResultRow]:
    """Rows of the metric `several_words`: the share of concepts with more than one word, for each language."""
    made = []
    for language, column in concepts.answers.items():
        place = Place(source=language, target=language, setting="concepts", metric="several_words")
        share = figure(float(np.mean([len(words) > 1 for words in column])))
        made.append(result_row(place, share, len(column)))
    return made


def _gains(evaluated: Evaluated, table: SettingRanks) -> Float[np.ndarray, "source target query"]:
    gain = evaluated.gains(table, "P@1")
    for place, language in enumerate(evaluated.ranks.languages):
        right = accepted(evaluated, language)
        query = np.arange(len(right))
        gain[:, place] = np.maximum(gain[:, place], right[query, table.best[:, place]])
    gain[np.eye(len(evaluated.ranks.languages), dtype=bool)] = 0
    return gain


def accepted(evaluated: Evaluated, language: str) -> Bool[np.ndarray, "query concept"]:
    """Returns whether the word of a concept is one of the words of the right concept of a query; False for its own."""
    concepts = evaluated.concepts
    rows_of: dict[str, list[int]] = {}
    for row, word in enumerate(concepts.words[language]):
        rows_of.setdefault(ignoring_case(word, language), []).append(row)
    answers = evaluated.answers()
    found = np.zeros((len(answers), len(concepts.ids)), bool)
    for query, answer in enumerate(answers):
        for word in concepts.answers[language][answer]:
            found[query, [row for row in rows_of.get(ignoring_case(word, language), []) if row != answer]] = True
    return found
