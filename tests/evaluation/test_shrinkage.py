"""The choice of lambda: what it finds in planted spaces, and that it sees no test concept."""

import numpy as np
import pytest

import jaxalign
from jaxalign.alignment.normalize import normalized
from jaxalign.alignment.shrunken import GRID, Shrinking
from jaxalign.evaluation import shrinkage
from jaxalign.evaluation.shrinkage import FOLDS, Search, choose
from jaxalign.metrics.gains import precision_at
from jaxalign.reference import unit_rows
from jaxalign.types import InputError

STEPS = ("unit", "center", "unit")


def planted(turn: str, concepts: int = 400, features: int = 40, noise: float = 1.0, seed: int = 0):
    """Two spaces of one meaning, the second turned by nothing, a little, or at random."""
    draw, spectrum = np.random.default_rng(seed), np.arange(1, features + 1) ** -0.4
    meaning = draw.standard_normal((concepts, features))
    sides = [(meaning + noise * draw.standard_normal((concepts, features))) * spectrum for _ in range(2)]
    small = draw.standard_normal((features, features)) * 0.06
    left, _, right = np.linalg.svd(np.eye(features) + small - small.T)
    rotation = {"none": np.eye(features), "little": left @ right,
                "random": np.linalg.qr(draw.standard_normal((features, features)))[0]}[turn]  # fmt: skip
    return {"en": sides[0].astype(np.float32), "fr": (sides[1] @ rotation).astype(np.float32)}


def scores(spaces, seeds: int, **options):
    rows = np.arange(len(spaces["en"]))
    ranks = jaxalign.rank(
        spaces, seed=rows[:seeds], test=rows[seeds:], settings=("before", "after", "shrunken"), **options
    )
    return {name: precision_at(ranks[name], 1)[[0, 1], [1, 0]].mean() for name in ranks}


def reciprocal_rank(source, target, k: int) -> float:
    """Of paired rows among each other under CSLS, both directions, float64."""
    cells = unit_rows(source) @ unit_rows(target).T
    found = []
    for side in (cells, cells.T):
        score = side - np.sort(side, 0)[-k:].mean(0) / 2
        found.append((1 / (1 + (score > np.diagonal(score)[:, None]).sum(1))).mean())
    return float(np.mean(found))


def test_the_curve_equals_float64():
    spaces = planted("little", 120, 16)
    first, second = (np.asarray(normalized(rows, STEPS), np.float64) for rows in spaces.values())
    found = choose(first.astype(np.float32), second.astype(np.float32), Search(Shrinking(), GRID, 5), rng_seed=4)
    order, size = np.random.default_rng([4, 120]).permutation(120), 120 // FOLDS
    for value, score in zip(GRID, found.curve, strict=True):
        each = []
        for fold in range(FOLDS):
            held = order[fold * size : (fold + 1) * size]
            rest = np.setdiff1d(order, held)
            product = first[rest].T @ second[rest]
            largest = np.linalg.norm(product, 2)
            left, _, right = np.linalg.svd(product + value * largest * np.eye(16) if np.isfinite(value) else np.eye(16))
            each.append(reciprocal_rank(first[held] @ left @ right, second[held], 5))
        assert score == pytest.approx(np.mean(each), abs=2e-3)  # near ties in float32
    assert found.shrinkage in GRID[int(np.argmax(found.curve)) :]


@pytest.mark.parametrize(("turn", "seeds"), [("none", 40), ("none", 200), ("little", 200), ("random", 200)])
def test_never_clearly_below_the_better_of_both(turn, seeds):
    found = scores(planted(turn), seeds)
    assert found["shrunken"] >= max(found["before"], found["after"]) - 0.02


def test_between_the_two_it_is_above_both():
    found = [scores(planted("little", seed=seed), 200) for seed in range(3)]
    gain = np.mean([one["shrunken"] - max(one["before"], one["after"]) for one in found])
    assert gain > 0.02, found


def test_no_test_concept_enters_the_choice():
    spaces = planted("random", noise=0.5)
    seeds = [rows[:150] for rows in spaces.values()]
    again = dict(spaces, fr=np.concatenate([spaces["fr"][:150], spaces["fr"][:149:-1]]))  # other answers, same seeds
    rows = np.arange(400)
    given = dict(seed=rows[:150], test=rows[150:], settings=("shrunken",), normalize=(), retrieval="nn")
    one, other = (jaxalign.rank(each, **given) for each in (spaces, again))
    best, mirrored = one.tables[0].best[0, 1], other.tables[0].best[0, 1]
    assert np.array_equal(np.where(best < 150, best, 549 - best), mirrored)  # the map is the same
    assert choose(*seeds, Search(Shrinking(), neighbours=0)).shrinkage < np.inf


def test_few_seeds_take_no_map_and_shuffled_seeds_give_no_meaning():
    spaces = planted("random")
    found = scores(spaces, 10)
    assert found["shrunken"] == found["before"]
    rows = np.arange(400)
    null = jaxalign.rank(spaces, seed=rows[:200], test=rows[200:], settings=("shrunken_null",))["shrunken_null"]
    assert precision_at(null, 1).max() < 0.05


def test_wrong_options_are_refused():
    with pytest.raises(InputError, match="--shrinkage"):
        scores(planted("none", 60), 40, shrinkage=(0.3, 0.1))
    with pytest.raises(InputError, match="--translate"):
        jaxalign.Config(map="shrunken", translate=True)
    config = jaxalign.Config(map="shrunken", settings=("before", "after"))
    assert config.settings == ("before", "after", "shrunken") and config.map == "orthogonal"


@pytest.mark.parametrize(("ahead", "chosen"), [
    ({0.0: 0.5, 0.01: 0.505}, 0.0), ({0.0: 0.5, 0.01: 0.6}, 0.01), ({0.1: 0.505, np.inf: 0.5}, np.inf),
    ({0.0: 0.505, np.inf: 0.5}, np.inf), ({0.0: 0.6, np.inf: 0.5}, 0.0), ({0.0: 0.5, 0.01: 0.53}, 0.0),
])  # fmt: skip
def test_an_end_is_left_only_for_more_than_two_standard_errors(monkeypatch, ahead, chosen):
    """Alternating differences of 0.2 about the mean: a standard error of 0.02 over 100 seeds."""
    noise = np.where(np.arange(100) % 2, 0.1, -0.1)
    signs = (1, -1, -1, 1, 1, 1, -1)  # those that are compared differ
    gains = np.stack([ahead.get(value, 0.2) + sign * noise for value, sign in zip(GRID, signs, strict=True)])
    monkeypatch.setattr(shrinkage, "_gains", lambda *_: gains)
    assert choose(np.zeros((100, 3)), np.zeros((100, 3)), Search(Shrinking())).shrinkage == chosen
