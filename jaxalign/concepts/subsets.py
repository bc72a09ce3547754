"""Subsets of the test concepts that control for what else may explain a score: frequency, senses, length, shared forms.

abstract_matched_T, physical_matched_T   equally many of both kinds, alike in trait T (frequency, senses, tokens, or one
                                         of the list's own), or in all of them: abstract_matched, physical_matched
identical_removed                        without concepts whose two words are the same, for each pair of languages;
identical_removed_folded, ..._plain      the same without case; without case and diacritics
loans_removed                            without words that differ in less than LOAN of their letters
domain:NAME                              a field: medical, technical, everyday, feelings, ...
"""

import sys
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from jaxtyping import Bool

from jaxalign.concepts import covariates
from jaxalign.types import Concepts, InputError, Split

LOAN = (
    0.34  # normalised edit distance below which two forms count as one word, borrowed: at most a third of the letters
)
FORMS: dict[str, Callable[[covariates.Forms], np.ndarray]] = {  # how two words may be one: name -> which concepts
    "identical": lambda forms: forms.exact,
    "identical_folded": lambda forms: forms.folded,
    "identical_plain": lambda forms: forms.plain,
    "loans": lambda forms: forms.distance < LOAN,
}
PIVOT = "en"  # frequency and senses are those of the English word, as in the paper


def measured(
    concepts: Concepts, english: Sequence[str], tokens: np.ndarray | None, own: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Trait -> (concept,) numbers that the matched samples are alike in: frequency, senses, tokens, and `own`.

    `english` holds each concept's English word (empty where none is known), `tokens` how many tokens it has, where
    there is a tokenizer; `own` traits take the place of those of the same name. Senses are left out, which is said on
    stderr, where WordNet is not installed. Raises InputError where wordfreq is not.
    """
    found: dict[str, np.ndarray] = {}
    if not {"abstract", "physical"} <= set(concepts.kinds):
        print("controls: no matched samples without concepts of both kinds", file=sys.stderr)
        return found
    known = Concepts(concepts.ids, concepts.kinds, {PIVOT: tuple(english)}, ())
    if english and "frequency" not in own:
        found["frequency"] = covariates.frequency(known, PIVOT)
    if english and "senses" not in own:
        try:
            found["senses"] = np.log1p(covariates.senses(known, PIVOT))  # a few words have dozens
        except InputError as error:
            print(f"controls: samples are not matched on senses. {error}", file=sys.stderr)
    if tokens is not None:
        found["tokens"] = np.asarray(tokens, float)
    found |= {name: np.asarray(column, float) for name, column in own.items()}
    if not found:
        print("controls: no matched samples without English words or traits of the list's own", file=sys.stderr)
    return found


def subsets(
    wanted: Sequence[str],
    concepts: Concepts,
    split: Split,
    languages: Sequence[str],
    measured: Mapping[str, np.ndarray],
    domains: Mapping[str, np.ndarray],
    rng_seed: int = 0,
) -> dict[str, Bool[np.ndarray, "..."]]:
    """Name -> mask of the queries, (query,) or (source, target, query), of each control in `wanted`.

    `measured` as from the function of that name, `domains` as from `traits.domains`, for all concepts.
    """
    rows, test = in_test(concepts, split)
    masks: dict[str, np.ndarray] = {}
    if "matched" in wanted:
        masks |= _matched(test, {name: column[rows] for name, column in measured.items()}, rng_seed)
    if "identical" in wanted:
        masks |= _forms(test, languages)
    if "domains" in wanted:
        masks |= {f"domain:{name}": mask[rows] for name, mask in domains.items()}
    return {name: mask for name, mask in masks.items() if mask.any()}


def in_test(concepts: Concepts, split: Split) -> tuple[np.ndarray, Concepts]:
    """The rows of the test concepts, and these alone."""
    row_of = {name: row for row, name in enumerate(concepts.ids)}
    rows = np.array([row_of[name] for name in split.test])
    words = {code: tuple(column[row] for row in rows) for code, column in concepts.words.items()}
    return rows, Concepts(tuple(split.test), tuple(concepts.kinds[row] for row in rows), words, ())


def _matched(test: Concepts, measured: Mapping[str, np.ndarray], rng_seed: int) -> dict[str, np.ndarray]:
    masks = {}
    ways = {name: {name: trait} for name, trait in measured.items()} | ({"": dict(measured)} if measured else {})
    for name, chosen in ways.items():
        pairs = covariates.matched(test.kinds, chosen, rng_seed)
        said = ", ".join(f"{trait} {gap:+.3f}" for trait, gap in pairs.differences.items())
        print(f"controls: {len(pairs.abstract)} pairs matched; standardised difference {said}", file=sys.stderr)
        for kind, rows in (("abstract", pairs.abstract), ("physical", pairs.physical)):
            masks["_".join(filter(None, (kind, "matched", name)))] = _mask(rows, len(test.ids))
    return masks


def _forms(test: Concepts, languages: Sequence[str]) -> dict[str, np.ndarray]:
    removed = {
        name.replace("identical", "identical_removed").replace("loans", "loans_removed"): found
        for name, found in FORMS.items()
    }
    masks = {name: np.ones((len(languages), len(languages), len(test.ids)), bool) for name in removed}
    for i, source in enumerate(languages):
        for j, target in enumerate(languages[:i]):
            forms = covariates.form_overlap(test.words[source], test.words[target])
            for name, found in removed.items():
                masks[name][i, j] = masks[name][j, i] = ~found(forms)
    return masks


def _mask(rows: np.ndarray, count: int) -> np.ndarray:
    mask = np.zeros(count, bool)
    mask[rows] = True
    return mask
