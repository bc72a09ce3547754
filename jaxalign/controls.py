"""Subsets of the test concepts that control for what else may explain a score: frequency, senses, length, shared forms.

abstract_matched_T, physical_matched_T   equally many of both kinds, alike in trait T (frequency, senses, tokens), or
                                         in all of them: abstract_matched, physical_matched
identical_removed                        without concepts whose two words are the same, for each pair of languages;
identical_removed_folded, ..._plain      the same without case; without case and diacritics
loans_removed                            without words that differ in less than LOAN of their letters
domain:NAME                              a field: medical, technical, everyday, feelings, ...
"""

import sys
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Bool

from jaxalign import traits
from jaxalign.types import Concepts, Split

LOAN = (
    0.34  # normalised edit distance below which two forms count as one word, borrowed: at most a third of the letters
)
PIVOT = "en"  # frequency and senses are those of the English word, as in the paper


def subsets(
    wanted: Sequence[str],
    concepts: Concepts,
    split: Split,
    languages: Sequence[str],
    tokens: np.ndarray | None = None,
    rng_seed: int = 0,
) -> dict[str, Bool[np.ndarray, "..."]]:
    """Name -> mask of the queries, (query,) or (source, target, query), of each control in `wanted`.

    `tokens` is the number of tokens of each concept's English word, where there is a tokenizer. Raises InputError where
    WordNet or wordfreq is needed and absent.
    """
    row_of = {name: row for row, name in enumerate(concepts.ids)}
    rows = np.array([row_of[name] for name in split.test])
    test = Concepts(
        tuple(split.test),
        tuple(concepts.kinds[row] for row in rows),
        {code: tuple(column[row] for row in rows) for code, column in concepts.words.items()},
        (),
    )
    masks: dict[str, np.ndarray] = {}
    if "matched" in wanted:
        masks |= _matched(test, None if tokens is None else tokens[rows], rng_seed)
    if "identical" in wanted:
        masks |= _forms(test, languages)
    if "domains" in wanted:
        masks |= {f"domain:{name}": mask for name, mask in traits.domains(test).items()}
    return {name: mask for name, mask in masks.items() if mask.any()}


def _matched(test: Concepts, tokens: np.ndarray | None, rng_seed: int) -> dict[str, np.ndarray]:
    if PIVOT not in test.words or not {"abstract", "physical"} <= set(test.kinds):
        print("controls: no matched samples without English words of both kinds", file=sys.stderr)
        return {}
    measured: dict[str, np.ndarray] = {
        "frequency": traits.frequency(test, PIVOT),
        "senses": np.log1p(traits.senses(test, PIVOT)),  # a few words have dozens
    }
    if tokens is not None:
        measured["tokens"] = np.asarray(tokens, float)
    masks = {}
    for name, chosen in {**{name: {name: trait} for name, trait in measured.items()}, "": measured}.items():
        pairs = traits.matched(test.kinds, chosen, rng_seed)
        said = ", ".join(f"{trait} {gap:+.3f}" for trait, gap in pairs.differences.items())
        print(f"controls: {len(pairs.abstract)} pairs matched; standardised difference {said}", file=sys.stderr)
        for kind, rows in (("abstract", pairs.abstract), ("physical", pairs.physical)):
            masks["_".join(filter(None, (kind, "matched", name)))] = _mask(rows, len(test.ids))
    return masks


def _forms(test: Concepts, languages: Sequence[str]) -> dict[str, np.ndarray]:
    removed: dict[str, Callable[[traits.Forms], np.ndarray]] = {
        "identical_removed": lambda forms: forms.exact,
        "identical_removed_folded": lambda forms: forms.folded,
        "identical_removed_plain": lambda forms: forms.plain,
        "loans_removed": lambda forms: forms.distance < LOAN,
    }
    masks = {name: np.ones((len(languages), len(languages), len(test.ids)), bool) for name in removed}
    for i, source in enumerate(languages):
        for j, target in enumerate(languages[:i]):
            forms = traits.form_overlap(test.words[source], test.words[target])
            for name, found in removed.items():
                masks[name][i, j] = masks[name][j, i] = ~found(forms)
    return masks


def _mask(rows: np.ndarray, count: int) -> np.ndarray:
    mask = np.zeros(count, bool)
    mask[rows] = True
    return mask
