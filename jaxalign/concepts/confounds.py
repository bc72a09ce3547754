"""What may explain that a word is found, for each ordered pair of languages and test concept.

frequency          Zipf frequency of the English word (wordfreq)
senses             log(1 + noun senses of the English word) (WordNet)
tokens_source      tokens of the query's word, by the model's tokenizer; tokens_target those of the right answer
equal_tokens       1 where both have equally many
form_overlap       1 - normalised edit distance of the two words, ignoring case
abstract           1 for abstract concepts, 0 for others, where there are both
NAME               a column `trait:NAME` of the list, such as concreteness; one named frequency or senses replaces ours

A value that is not known is NaN. What cannot be had here (no English words, wordfreq or WordNet not installed, vectors
without a tokenizer) is left out and logged.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Float64

from jaxalign.concepts import covariates
from jaxalign.concepts.subsets import PIVOT
from jaxalign.runtime.log import LOGGER
from jaxalign.types import Concepts, InputError


def of_concepts(
    concepts: Concepts, english: Sequence[str], own: Mapping[str, np.ndarray]
) -> dict[str, Float64[np.ndarray, " concept"]]:
    """Returns the confounds that all pairs share: kind, frequency, senses and the list's own; (concept,)."""
    made: dict[str, np.ndarray] = {}
    abstract = np.array([kind == "abstract" for kind in concepts.kinds], float)
    if 0 < abstract.sum() < len(abstract):
        made["abstract"] = abstract
    if any(english):
        in_english = Concepts(concepts.ids, concepts.kinds, {PIVOT: tuple(english)}, ())
        known = np.array([bool(word) for word in english])
        for name, measure in (("frequency", covariates.frequency), ("senses", covariates.senses)):
            if name in own:
                continue
            try:
                values = np.asarray(measure(in_english, PIVOT), float)
            except InputError as error:
                LOGGER.info("confounds: without %s. %s", name, error)
                continue
            made[name] = np.where(known, np.log1p(values) if name == "senses" else values, np.nan)
    return made | {name: np.asarray(column, float) for name, column in own.items()}


def of_pairs(
    test: Concepts, shared: Mapping[str, np.ndarray], tokens: Mapping[str, np.ndarray]
) -> dict[str, Float64[np.ndarray, "source target query"]]:
    """Returns all confounds of the test concepts; the diagonal is 0.

    `shared` as from `of_concepts`, and `tokens` (language -> number of tokens of each word; empty without a tokenizer),
    are those of the test concepts.
    """
    languages = list(test.words)
    shape = (len(languages), len(languages), len(test.ids))
    made = {name: np.broadcast_to(column, shape).copy() for name, column in shared.items()}
    made["form_overlap"] = np.zeros(shape)
    for i, source in enumerate(languages):
        for j, target in enumerate(languages[:i]):
            distance = covariates.form_overlap(test.words[source], test.words[target]).distance
            made["form_overlap"][i, j] = made["form_overlap"][j, i] = 1 - distance
    if tokens:
        counts = np.array([tokens[code] for code in languages], float)
        made["tokens_source"] = np.broadcast_to(counts[:, None], shape).copy()
        made["tokens_target"] = np.broadcast_to(counts[None], shape).copy()
        made["equal_tokens"] = equal_tokens(languages, tokens).astype(float)
    for values in made.values():
        values[np.eye(len(languages), dtype=bool)] = 0
    return made


def equal_tokens(languages: Sequence[str], tokens: Mapping[str, np.ndarray]) -> Bool[np.ndarray, "source target query"]:
    """Returns where both words of a pair have equally many tokens."""
    counts = np.array([tokens[code] for code in languages])
    return np.asarray(counts[:, None] == counts[None])
