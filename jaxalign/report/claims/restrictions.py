"""What else may explain a claim, taken away: identical words, loans, frequency and length, single languages."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np

from jaxalign.concepts import covariates, matching, subsets
from jaxalign.report.claims.finished import Finished
from jaxalign.types import Concepts, InputError

Cell = tuple[str, str, str]  # model, source, target


class Kept(NamedTuple):
    """Which queries of each cell are left, (cell, query), on both sides."""

    left: np.ndarray
    right: np.ndarray


class Asked(NamedTuple):
    """A side of a claim: its cells, and the queries that count in all of them."""

    cells: list[Cell]
    queries: np.ndarray  # (query,) bool


def masks(left: Asked, right: Asked, finished: Finished) -> Mapping[str, Kept]:
    """Returns name -> what is left of both sides.

    identical words: without concepts whose words are the same, ignoring case and diacritics; loans: without words that
    differ in less than a third of their letters; frequency, word length: concepts of the two sides matched on the
    English word's (`matching.match`), where the sides are different concepts; without LANGUAGE: no pair with it, where
    both sides keep a pair.
    """
    plain = Kept(*(np.tile(side.queries, (len(side.cells), 1)) for side in (left, right)))
    made: dict[str, Kept] = {}
    for name, form in (("identical words", "identical_plain"), ("loans", "loans")):
        same = Kept(*(_same_forms(side.cells, finished, form) for side in (left, right)))
        if (same.left & plain.left).any() or (same.right & plain.right).any():
            made[name] = Kept(plain.left & ~same.left, plain.right & ~same.right)
    if not (left.queries & right.queries).any():
        for name, values in _traits(finished).items():
            pairs = _matched(values, left.queries, right.queries, finished.rng_seed)
            if len(pairs.abstract):
                made[name] = Kept(
                    plain.left & _chosen(pairs.abstract, values), plain.right & _chosen(pairs.physical, values)
                )
    for code in dict.fromkeys(code for side in (left, right) for _, *pair in side.cells for code in pair):
        kept = Kept(*(mask & _without(code, side) for mask, side in zip(plain, (left, right), strict=True)))
        if kept.left.any() and kept.right.any():
            made[f"without {code}"] = kept
    return made


def _chosen(rows: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.isin(np.arange(len(values)), rows)


def _without(code: str, side: Asked) -> np.ndarray:
    return np.array([code not in cell[1:] for cell in side.cells])[:, None]


def _same_forms(cells: list[Cell], finished: Finished, name: str) -> np.ndarray:
    known: dict[tuple[str, ...], np.ndarray] = {}
    for _, source, target in cells:
        pair = tuple(sorted((source, target)))
        if pair not in known:
            overlap = covariates.form_overlap(finished.words[pair[0]], finished.words[pair[1]])
            known[pair] = subsets.SAME_FORM[name](overlap)
    return np.array([known[tuple(sorted(cell[1:]))] for cell in cells])


def _traits(finished: Finished) -> dict[str, np.ndarray]:
    """Frequency and length of the English words, where there are any."""
    words = tuple(finished.words.get(subsets.PIVOT, ()))
    if not words:
        return {}
    made = {"word length": np.array([len(word) for word in words], float)}
    if find_spec("wordfreq"):
        try:
            concepts = Concepts(words, finished.kinds, {subsets.PIVOT: words}, ())
            made["frequency"] = covariates.frequency(concepts, subsets.PIVOT)
        except InputError:
            return made
    return made


def _matched(values: np.ndarray, left: np.ndarray, right: np.ndarray, rng_seed: int) -> matching.MatchedPairs:
    """Rows of the left side (as abstract) and of the right one (as physical) that are alike."""
    sides = ["abstract" if a else "physical" if b else "other" for a, b in zip(left, right, strict=True)]
    return matching.match(sides, {"trait": values}, rng_seed)
