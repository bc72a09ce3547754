"""Ranks of every pair and setting against the float64 reference."""

import jax
import numpy as np
import pytest

from jaxalign.evaluation import pairs
from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.evaluation.rows import Rows
from jaxalign.reference import normalize as reference_normalize
from jaxalign.reference import unit_rows
from jaxalign.types import InputError
from tests.conftest import planted
from tests.reference import differing, reference_bounds

TOLERANCE = 1e-6  # of a score: float32 rounding of a cosine


def agree(spaces, seed, test, settings, method="auto", tolerance=TOLERANCE, **options):
    """Every rank lies between the bounds that near ties leave; returns the share of queries with such a choice."""
    found = pairs.rank(spaces, seed=seed, test=test, settings=settings, procrustes=method, **options)
    loose = 0
    for setting in settings:
        lowest, highest = reference_bounds(spaces, seed, test, setting, tolerance=tolerance, **options)
        outside, near, queries = differing(found[setting], lowest, highest)
        assert outside == 0, (setting, outside, near, queries)
        loose = max(loose, near / queries)
    return loose


def rows(concepts, seeds, tests, seed=0):
    order = np.random.default_rng(seed).permutation(concepts)
    return order[:seeds], order[seeds : seeds + tests]


@pytest.mark.parametrize("retrieval", ["csls", "nn"])
@pytest.mark.parametrize("candidates", ["all", "test"])
@pytest.mark.parametrize("features", [2, 7, 40])
def test_ranks_equal_the_reference(retrieval, candidates, features):
    spaces = planted(features, 230, features)
    seed, test = rows(230, 120, 90)
    assert agree(spaces, seed, test, ("before", "after", "ceiling"), retrieval=retrieval, candidates=candidates) < 0.2


@pytest.mark.parametrize("completion", ["drop", "identity"])
@pytest.mark.parametrize("seeds", [1, 20, 63])
def test_fewer_seeds_than_dimensions_equal_their_definition(completion, seeds):
    spaces = planted(seeds, 150, 64)
    seed, test = rows(150, seeds, 60)
    loose = agree(spaces, seed, test, ("after",), completion=completion)
    assert loose < 0.05 or (seeds, completion) == (1, "drop")  # one dimension: every similarity is 1 or -1


@pytest.mark.slow
def test_real_spaces_give_their_known_precision(shared):
    folder = shared / "spaces"
    words = {name: dict(line.rstrip().split(" ", 1) for line in (folder / f"{name}.vec").open(encoding="utf8"))
             for name in ("en", "fr")}  # fmt: skip
    keys = sorted(key for key in words["en"].keys() & words["fr"].keys() if not key.isdigit())
    spaces = {name: np.array([np.fromstring(found[key], sep=" ") for key in keys]) for name, found in words.items()}
    order, settings = np.random.default_rng(0).permutation(len(keys)), ("before", "after", "null")
    hits = {(setting, retrieval): [] for setting in settings for retrieval in ("nn", "csls")}
    for fold in range(5):
        test = order[fold::5]
        seed = np.setdiff1d(order, test)
        for retrieval in ("nn", "csls"):
            found = pairs.rank(spaces, seed=seed, test=test, settings=settings, retrieval=retrieval)
            for setting in settings:
                hits[setting, retrieval] += list(found[setting][0, 1] == 1)
    assert agree(spaces, seed, test, ("before", "after")) < 0.1
    # By products; with fewer seeds than the 128 dimensions one rank of 336 is decided by less than 3e-5 of a score.
    assert agree(spaces, seed, test, ("after",), method="polar") < 0.1
    for completion in ("drop", "identity"):
        few = agree(spaces, seed[:80], test, ("after",), method="polar", tolerance=3e-5, completion=completion)
        assert few < 0.1, completion
    precision = {key: np.mean(found) for key, found in hits.items()}
    assert abs(precision["after", "nn"] - 0.664) < 0.015 and abs(precision["after", "csls"] - 0.716) < 0.015, precision
    assert max(precision["before", "csls"], precision["null", "csls"]) < 0.01


@pytest.mark.parametrize(
    "wrong",
    [
        {"seed": [0, 1, 2, 3]},
        {"seed": [0, 999]},
        {"seed": []},
        {"test": [5, 5]},
        {"csls_k": 31},
        {"retrieval": "knn"},
        {"completion": "zero"},
        {"settings": ("during",)},
        {"normalize": ("whiten",)},
        {"seed_sizes": (9,)},
    ],
)
def test_wrong_input_is_refused(wrong):
    options = {"seed": [0, 1, 2], "test": [3, 4, 5], **wrong}
    with pytest.raises(InputError, match="Expected .*got"):
        pairs.rank(planted(0, 30, 4), **options)


def test_spaces_that_cannot_be_compared_are_refused():
    good = planted(0, 30, 4)
    for spaces in (
        {"en": good["en"]},
        {**good, "fr": good["fr"][:-1]},
        {**good, "fr": np.where(np.arange(4) == 2, np.nan, good["fr"])},
        {**good, "fr": good["fr"][0]},
    ):
        with pytest.raises(InputError, match="Expected"):
            pairs.rank(spaces, seed=[0, 1, 2], test=[3, 4, 5])


def test_order_of_languages_changes_nothing():
    spaces = planted(1, 100, 12)
    seed, test = rows(100, 40, 30)
    settings = ("after", "null", "ceiling_null")
    forward = pairs.rank(spaces, seed=seed, test=test, settings=settings, null_draws=2, seed_sizes=(20, 40))
    backward = pairs.rank(
        dict(reversed(spaces.items())), seed=seed, test=test, settings=settings, null_draws=2, seed_sizes=(20, 40)
    )
    for one, other in zip(forward.tables, backward.tables, strict=True):
        assert one[:3] == other[:3]
        assert (one.rank == other.rank[::-1, ::-1]).mean() > 0.999
        assert (one.best == other.best[::-1, ::-1]).mean() > 0.999


def test_ceiling_null_finds_its_own_dictionary_when_features_abound():
    rng = np.random.default_rng(0)
    spaces = {name: rng.standard_normal((120, 200)) for name in ("en", "fr")}
    seed, test = rows(120, 60, 60)
    found = pairs.rank(spaces, seed=seed, test=test, settings=("null", "ceiling_null"))
    assert (found["ceiling_null"][0, 1] == 1).mean() > 0.9
    assert (found["null"][0, 1] == 1).mean() < 0.1


@pytest.mark.parametrize("retrieval", ["csls", "nn", "isf", "margin"])
def test_tiles_and_budget_change_nothing(retrieval):
    spaces = planted(2, 333, 20, noise=1.0)
    seed, test = rows(333, 100, 200)
    options = dict(seed=seed, test=test, settings=("after", "before"), retrieval=retrieval, null_draws=2)
    whole = pairs.rank(spaces, tile=333, **options)
    for other in ({"tile": 16}, {"tile": 100, "memory_budget": 1}):
        for one, two in zip(whole.tables, pairs.rank(spaces, **options, **other).tables, strict=True):
            assert (one.rank == two.rank).mean() > 0.998 and abs(one.rank - two.rank).max() <= 1
            assert (one.best == two.best).mean() > 0.998 and (one.ties == two.ties).mean() > 0.998


def test_best_and_ties_are_those_of_the_scores():
    spaces = planted(3, 90, 6)
    spaces["fr"][50] = spaces["fr"][60]  # a duplicate ties with the right answer
    seed, test = np.arange(40), np.arange(40, 90)
    options = dict(settings=("before",), retrieval="nn")
    (found,) = pairs.rank(spaces, seed=seed, test=test, **options).tables
    unit = [unit_rows(reference_normalize(vectors)) for vectors in spaces.values()]
    assert (found.best[0, 1] == (unit[0] @ unit[1].T)[test].argmax(1)).mean() > 0.98
    assert found.ties[0, 1, 10] == 1 and found.ties[0, 1, 20] == 1 and found.ties[0, 1].sum() == 2
    assert (found.ties[1, 0] == 0).all()


@pytest.mark.parametrize("options", [{"map": "least_squares"}, {"map": "ridge"}, {"translate": True, "scale": True},
                                     {"procrustes": "polar"}, {"completion": "arbitrary"}])  # fmt: skip
def test_other_maps_recover_planted_spaces(options):
    spaces = planted(4, 200, 16, noise=0.05)
    found = pairs.rank(spaces, seed=np.arange(100), test=np.arange(100, 200), settings=("after", "null"), **options)
    off = ~np.eye(3, dtype=bool)
    assert (found["after"][off] == 1).mean() > 0.98
    assert (found["null"][off] == 1).mean() < 0.1


def test_least_squares_is_fitted_in_each_direction():
    spaces = planted(5, 200, 10, languages=2, noise=1.5)
    seed, test = np.arange(120), np.arange(120, 200)
    found = pairs.rank(spaces, seed=seed, test=test, settings=("after",), map="least_squares", retrieval="nn")["after"]
    first, second = (reference_normalize(vectors) for vectors in spaces.values())
    for i, source, target in ((0, first, second), (1, second, first)):
        turn = np.linalg.lstsq(source[seed], target[seed])[0]
        scores = unit_rows(source[test] @ turn) @ unit_rows(target).T
        right = scores[np.arange(80), test][:, None]
        assert (found[i, 1 - i] == 1 + (scores > right).sum(1)).mean() > 0.99


@pytest.mark.parametrize("devices", [1, 2])  # threads; one call over all pairs
@pytest.mark.parametrize("options", [{}, {"map": "least_squares"}, {"precision": "fast"}, {"candidates": "test"},
                                     {"settings": ("after", "shrunken")}])  # fmt: skip
def test_retrievals_together_have_the_ranks_of_each_alone(monkeypatch, options, devices):
    spaces, split_rows = planted(7, 70, 9, noise=0.6), Rows(np.arange(40), np.arange(40, 70))
    monkeypatch.setattr(jax, "local_device_count", lambda: devices)
    whole = {"settings": ("before", "after", "ceiling", "null"), "csls_k": 5, **options}
    asked = [AlignmentOptions(retrieval=name, **whole) for name in ("nn", "csls", "isf", "margin")]
    for one, together in zip(asked, pairs.evaluate_each(spaces, split_rows, asked), strict=True):
        alone = pairs.evaluate(spaces, split_rows, one)
        assert together.languages == alone.languages
        for table, expected in zip(together.tables, alone.tables, strict=True):
            assert table[:3] == expected[:3]
            for part, own in zip(table[3:], expected[3:], strict=True):
                np.testing.assert_array_equal(part, own)


def test_options_that_differ_in_more_than_the_retrieval_are_refused():
    asked = [AlignmentOptions(), AlignmentOptions(retrieval="nn", csls_k=3)]
    with pytest.raises(ValueError, match="more than the retrieval"):
        pairs.evaluate_each(planted(7, 70, 9), Rows(np.arange(40), np.arange(40, 70)), asked)


def test_languages_of_zeros_tie_with_everything():
    spaces = planted(6, 40, 5, languages=2)
    spaces["fr"][:] = 1.0  # nothing is left of it after centering
    options = AlignmentOptions(settings=("before",), retrieval="nn")
    (found,) = pairs.evaluate(spaces, Rows(np.arange(20), np.arange(20, 40)), options).tables
    assert (found.ties[0, 1] == 39).all()


@pytest.mark.parametrize("steps", [("none",), ("unit", "center", "unit")])
def test_languages_of_one_vector_or_direction_are_refused(steps):
    """Every answer would tie with every other: P@1 of such a space says nothing."""
    spaces = planted(6, 40, 5)
    count, width = spaces["fr"].shape
    options = dict(seed=range(20), test=range(20, 40), normalize=steps)
    for same in (
        np.ones((count, width)),
        np.outer(np.arange(1, count + 1), np.arange(1, width + 1)),
        np.zeros((count, width)),
    ):
        with pytest.raises(InputError, match="one vector or direction for all concepts in fr. Leave"):
            pairs.rank(spaces | {"fr": same.astype(np.float32)}, **options)
