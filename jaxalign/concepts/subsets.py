"""Subsets of the test concepts that control for frequency, senses, word length, shared forms and domain.

abstract_matched_C, physical_matched_C   equally many of both kinds, alike in covariate C (frequency, senses, tokens, or
                                         one of the list's own), or in all: abstract_matched, physical_matched
identical_removed                        without concepts whose two words are the same, for each pair of languages
identical_removed_folded, ..._plain      the same ignoring case; ignoring case and diacritics
loans_removed                            without words that differ in less than LOAN of their letters
domain:NAME                              a field: medical, technical, everyday, feelings, ...
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int64

from jaxalign.concepts import covariates, matching
from jaxalign.runtime.log import LOGGER
from jaxalign.types import Concepts, InputError, Split

# Normalised edit distance below which two forms count as one borrowed word: at most a third of the letters differ.
LOAN = 0.34
# Name -> which concepts have the same form in both languages.
SAME_FORM: dict[str, Callable[[covariates.FormOverlap], np.ndarray]] = {
    "identical": lambda overlap: overlap.exact,
    "identical_folded": lambda overlap: overlap.folded,
    "identical_plain": lambda overlap: overlap.plain,
    "loans": lambda overlap: overlap.distance < LOAN,
}
PIVOT = "en"  # frequency and senses are those of the English word, as in the paper


class TestSet(NamedTuple):
    """The test concepts of a split, and their rows among all concepts."""

    rows: Int64[np.ndarray, " query"]
    concepts: Concepts


def covariates_of(
    concepts: Concepts, english: Sequence[str], tokens: np.ndarray | None, own: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Returns the covariates that samples are matched on: name -> (concept,) numbers.

    They are frequency and senses of the English word, tokens, and `own`. `english` holds each concept's English word
    (empty if unknown), `tokens` its number of tokens if there is a tokenizer; an `own` covariate replaces the one of
    the same name. Senses are left out, with a note on stderr, where WordNet is not installed.

    Raises:
        InputError: wordfreq is not installed.
    """
    measured: dict[str, np.ndarray] = {}
    if not {"abstract", "physical"} <= set(concepts.kinds):
        LOGGER.info("controls: no matched samples, because the concepts are not of both kinds")
        return measured
    in_english = Concepts(concepts.ids, concepts.kinds, {PIVOT: tuple(english)}, ())
    if english and "frequency" not in own:
        measured["frequency"] = covariates.frequency(in_english, PIVOT)
    if english and "senses" not in own:
        try:
            measured["senses"] = np.log1p(covariates.senses(in_english, PIVOT))  # a few words have dozens
        except InputError as error:
            LOGGER.info("controls: samples are not matched on senses. %s", error)
    if tokens is not None:
        measured["tokens"] = np.asarray(tokens, float)
    measured |= {name: np.asarray(column, float) for name, column in own.items()}
    if not measured:
        LOGGER.info("controls: no matched samples, because there are no English words and no trait: columns")
    return measured


def subsets(
    wanted: Sequence[str],
    concepts: Concepts,
    split: Split,
    languages: Sequence[str],
    measured: Mapping[str, np.ndarray],
    domains: Mapping[str, np.ndarray],
    rng_seed: int = 0,
) -> dict[str, Bool[np.ndarray, "..."]]:
    """Returns name -> mask of the queries, (query,) or (source, target, query), for each control in `wanted`.

    `measured` as from `covariates_of`, `domains` as from `covariates.domains`, for all concepts.
    """
    rows, test = test_set(concepts, split)
    masks: dict[str, np.ndarray] = {}
    if "matched" in wanted:
        masks |= _matched(test, {name: column[rows] for name, column in measured.items()}, rng_seed)
    if "identical" in wanted:
        masks |= _without_same_form(test, languages)
    if "domains" in wanted:
        masks |= {f"domain:{name}": mask[rows] for name, mask in domains.items()}
    return {name: mask for name, mask in masks.items() if mask.any()}


def test_set(concepts: Concepts, split: Split) -> TestSet:
    """Returns the test concepts of a split."""
    row_of = {name: row for row, name in enumerate(concepts.ids)}
    rows = np.array([row_of[name] for name in split.test])
    words = {code: tuple(column[row] for row in rows) for code, column in concepts.words.items()}
    return TestSet(rows, Concepts(tuple(split.test), tuple(concepts.kinds[row] for row in rows), words, ()))


def _matched(test: Concepts, measured: Mapping[str, np.ndarray], rng_seed: int) -> dict[str, np.ndarray]:
    masks = {}
    groups = {name: {name: column} for name, column in measured.items()} | ({"": dict(measured)} if measured else {})
    for name, group in groups.items():
        pairs = matching.match(test.kinds, group, rng_seed)
        differences = ", ".join(f"{covariate} {gap:+.3f}" for covariate, gap in pairs.differences.items())
        LOGGER.info("controls: %d matched pairs; standardised difference %s", len(pairs.abstract), differences)
        for kind, rows in (("abstract", pairs.abstract), ("physical", pairs.physical)):
            masks["_".join(filter(None, (kind, "matched", name)))] = _mask(rows, len(test.ids))
    return masks


def _without_same_form(test: Concepts, languages: Sequence[str]) -> dict[str, np.ndarray]:
    removed = {
        name.replace("identical", "identical_removed").replace("loans", "loans_removed"): same
        for name, same in SAME_FORM.items()
    }
    masks = {name: np.ones((len(languages), len(languages), len(test.ids)), bool) for name in removed}
    for i, source in enumerate(languages):
        for j, target in enumerate(languages[:i]):
            overlap = covariates.form_overlap(test.words[source], test.words[target])
            for name, same in removed.items():
                masks[name][i, j] = masks[name][j, i] = ~same(overlap)
    return masks


def _mask(rows: np.ndarray, count: int) -> np.ndarray:
    mask = np.zeros(count, bool)
    mask[rows] = True
    return mask
