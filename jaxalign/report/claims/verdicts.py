"""Verdicts on claims: holds, does not, or cannot be told, and which confounds move them."""

import fnmatch
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from jaxalign.metrics.comparisons.contrast import Contrast, Side, contrast
from jaxalign.metrics.evaluated import kind_subsets
from jaxalign.report.claims import restrictions
from jaxalign.report.claims.claim_file import Claim, SideSpec
from jaxalign.report.claims.finished import Finished, Key
from jaxalign.report.sections.model_size import family, parameters
from jaxalign.types import InputError

HOLDS, FAILS, UNKNOWN = "holds", "does not hold", "cannot be told"


class Confound(NamedTuple):
    """A claim where something else that may explain it is taken away."""

    name: str
    found: Contrast
    verdict: str
    change_low: float  # of this difference less the plain one; 95 % for all confounds together
    change_high: float
    moves: bool  # the verdict is another, or the change is surely not 0


class Verdict(NamedTuple):
    """What finished runs say about a claim; without `found` `reason` says why nothing can be told."""

    claim: Claim
    verdict: str
    reason: str
    found: Contrast | None = None
    left: float = float("nan")
    right: float = float("nan")
    null: Contrast | None = None  # the same comparison with the map of a shuffled dictionary
    confounds: tuple[Confound, ...] = ()
    left_out: tuple[str, ...] = ()  # why a model of models = "all" does not count


class _Cells(NamedTuple):
    """The cells of a side: (model, source, target), what each query adds, their weights, and the queries of all."""

    names: list[tuple[str, str, str]]
    gain: np.ndarray
    weight: np.ndarray
    queries: np.ndarray

    def whole(self) -> Side:
        """All cells with all queries of the subset."""
        return Side(self.gain, np.broadcast_to(self.queries, self.gain.shape), self.weight)

    def restricted(self, mask: np.ndarray) -> Side:
        """The cells that have a query left, which share the weight of the others; InputError where none has."""
        kept = mask.any(axis=1)
        if not kept.any():
            raise InputError("Expected concepts in the comparison, got none. Change the subset or the pairs.")
        return Side(self.gain[kept], mask[kept], self.weight[kept] / self.weight[kept].sum())


class _Both(NamedTuple):
    left: _Cells
    right: _Cells


class _Absent(Exception):
    """What a claim needs and the runs do not have."""


def judge(claim: Claim, finished: Finished, draws: int = 1999) -> Verdict:
    """Returns the verdict on a claim: the interval of left less right against the margin, in words.

    A side is the mean over its models of the mean over its pairs; models = "all" on both sides are those that have
    what both sides ask for. `holds`: the 95 % interval lies above the margin; `does not hold`: below; else `cannot be
    told`. Confounds are taken away one at a time (`restrictions.masks`); each is compared with the plain difference on
    the same resamples.
    """
    try:
        present = _present(claim, finished)
        both = _sides(present.left, present.right, finished)
    except _Absent as absent:
        return Verdict(claim, UNKNOWN, str(absent))
    left, right = both.left.whole(), both.right.whole()
    found = contrast(left, right, claim.margin, draws, finished.rng_seed)
    verdict, moved = _verdict(found, claim.margin), []
    left_side, right_side = (restrictions.Asked(part.names, part.queries) for part in both)
    without = restrictions.masks(left_side, right_side, finished)
    tail = 0.025 / max(len(without), 1)  # of all changes together (Bonferroni)
    for name, kept in without.items():
        try:
            sides = both.left.restricted(kept.left), both.right.restricted(kept.right)
            other = contrast(*sides, claim.margin, draws, finished.rng_seed)
        except InputError:  # nothing is left
            continue
        low, high = (float(end) for end in np.quantile(other.drawn - found.drawn, (tail, 1 - tail)))
        own = _verdict(other, claim.margin)
        moves = low > 1e-12 or high < -1e-12 or own != verdict
        moved.append(Confound(name, other, own, low, high, moves))
    null = _null(present.left, present.right, finished, draws)
    return Verdict(claim, verdict, "", found, left.value(), right.value(), null, tuple(moved), present.left_out)


class _Present(NamedTuple):
    """The sides of a claim with the models that have what both ask for, and why the others do not."""

    left: SideSpec
    right: SideSpec
    left_out: tuple[str, ...]


def _present(claim: Claim, finished: Finished) -> _Present:
    if {claim.left.models, claim.right.models} != {("all",)}:
        return _Present(claim.left, claim.right, ())
    reasons: dict[str, str] = {}
    for model in finished.models:
        try:
            for side in (claim.left, claim.right):
                _cells(replace(side, models=(model,)), finished)
        except _Absent as absent:
            reasons[model] = str(absent)
    models = tuple(model for model in finished.models if model not in reasons)
    if not models:
        raise _Absent("; ".join(reasons.values()))
    left, right = (replace(side, models=models) for side in (claim.left, claim.right))
    return _Present(left, right, tuple(reasons.values()))


def _verdict(found: Contrast, margin: float) -> str:
    return HOLDS if found.low > margin else FAILS if found.high < margin else UNKNOWN


def _null(left: SideSpec, right: SideSpec, finished: Finished, draws: int) -> Contrast | None:
    """The claim with the map of a shuffled dictionary in place of the fitted one; None where no map was fitted.

    What is taken off (`less`) stays: a claim about the gain of a map has that of a map that knows nothing beside it,
    which differs between sides that begin at different heights.
    """
    if {left.setting, right.setting} != {"after"}:
        return None
    try:
        left, right = (replace(side, setting="null") for side in (left, right))
        both = _sides(left, right, finished)
    except _Absent:
        return None
    return contrast(both.left.whole(), both.right.whole(), 0.0, draws, finished.rng_seed)


def _queries(side: SideSpec, finished: Finished) -> np.ndarray:
    masks = kind_subsets(list(finished.kinds), finished.rng_seed)
    if side.subset not in masks:
        raise _Absent(f"the test concepts have none of the subset {side.subset}")
    return masks[side.subset]


def _sides(left: SideSpec, right: SideSpec, finished: Finished) -> _Both:
    return _Both(_cells(left, finished), _cells(right, finished))


def _cells(side: SideSpec, finished: Finished) -> _Cells:
    names: list[tuple[str, str, str]] = []
    gains, weights = [], []
    models = _models(side, finished)
    for model in models:
        keys = [_key(side, model, setting, finished) for setting in filter(None, (side.setting, side.less))]
        gain = finished.gain(keys[0], side.metric)
        if side.less:
            gain = gain - finished.gain(keys[1], side.metric)
        codes = finished.languages[model]
        pairs = [
            (i, j) for i in range(len(codes)) for j in range(len(codes)) if i != j and _wanted(side, codes[i], codes[j])
        ]
        if not pairs:
            raise _Absent(f"{model} was not run on the pairs {', '.join(side.pairs)}")
        names += [(model, codes[i], codes[j]) for i, j in pairs]
        gains += [gain[i, j] for i, j in pairs]
        weights += [1 / len(models) / len(pairs)] * len(pairs)
    return _Cells(names, np.array(gains), np.array(weights), _queries(side, finished))


def _wanted(side: SideSpec, source: str, target: str) -> bool:
    return any(pair == "all" or fnmatch.fnmatchcase(f"{source}-{target}", pair) for pair in side.pairs)


def _models(side: SideSpec, finished: Finished) -> list[str]:
    if side.models == ("all",):
        return finished.models
    if side.models in (("largest",), ("smallest",)):
        return [ends[side.models[0] == "largest"] for ends in _families(finished.parameters, finished.models).values()]
    for wanted in side.models:
        if wanted not in finished.models:
            raise _Absent(f"the runs have no model {wanted}, but {', '.join(finished.models)}")
    return list(side.models)


def _families(known: Mapping[str, int], models: list[str]) -> dict[str, tuple[str, str]]:
    """Family -> its smallest and its largest model, of those with two sizes or more."""
    members: dict[str, list[tuple[float, str]]] = {}
    for model in models:
        size = parameters(model, known)
        if size:
            members.setdefault(family(model), []).append((size, model))
    ends = {name: (min(sized), max(sized)) for name, sized in members.items()}
    made = {name: (small[1], large[1]) for name, (small, large) in ends.items() if small[0] < large[0]}
    if not made:
        raise _Absent("the runs have no family of models with two sizes")
    return made


def _key(side: SideSpec, model: str, setting: str, finished: Finished) -> Key:
    """The table of a side: its first pooling, the largest seed dictionary."""
    fits = [
        key
        for key in finished.ranks
        if key.model == model
        and (key.embedding == side.embedding or key.embedding.startswith(f"{side.embedding}:"))
        and key.retrieval == side.retrieval
        and key.setting == setting
        and (side.layer == "last" or key.layer == int(side.layer))
    ]
    if not fits:
        what = f"{side.embedding}, layer {side.layer}, {side.retrieval}, {setting}"
        raise _Absent(f"{model} has no ranks of {what}")
    last = max(key.layer for key in fits)
    first = next(key for key in fits if key.layer == last)
    same = [key for key in fits if key[:4] == first[:4]]
    return max(same, key=lambda key: key.seed_size)
