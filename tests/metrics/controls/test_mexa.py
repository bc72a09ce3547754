"""MEXA over layers against float64 loops, its null against one, and what planted layers give."""

import numpy as np
import pytest

from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.evaluation.rows import Rows
from jaxalign.metrics.controls import mexa
from jaxalign.types import SpaceLabel
from tests.conftest import planted
from tests.planted import pick

ROWS = Rows(np.arange(30), np.arange(30, 80))
RAW = AlignmentOptions(normalize=("none",), candidates="test")


def label(number):
    return SpaceLabel("demo", "vanilla", "rising_mean", number)


def by_hand(source, target, candidates):
    """Of each test row whether its cosine is strictly above all others of its row and column, in float64."""
    one, other = (side[candidates].astype(np.float64) for side in (source, target))
    one, other = (side / np.linalg.norm(side, axis=1, keepdims=True) for side in (one, other))
    cells, hits = one @ other.T, []
    for query in np.searchsorted(candidates, ROWS.test):
        rivals = np.concatenate([np.delete(cells[query], query), np.delete(cells[:, query], query)])
        hits.append(cells[query, query] > rivals.max())
    return np.array(hits)


@pytest.fixture(scope="module")
def spaces():
    """Three layers that are less and less alike across languages."""
    return [planted(2, 80, 12, 3, noise=noise, rotated=False) for noise in (1.4, 0.4, 0.8)]


@pytest.mark.parametrize("candidates", ["test", "all"])
def test_mean_and_maximum_are_those_of_plain_loops(spaces, candidates):
    options = AlignmentOptions(normalize=("none",), candidates=candidates)
    given = [mexa.layer(label(number), space, ROWS, options) for number, space in enumerate(spaces)]
    rows = mexa.rows(given, ROWS.test, draws=19, bootstrap=100)
    chosen = np.arange(80) if candidates == "all" else ROWS.test
    largest = []
    for code in ("fr", "ro"):
        scores = [by_hand(space["en"], space[code], chosen).mean() for space in spaces]
        (over,), (highest,) = (pick(rows, source=code, metric=f"MEXA_{name}") for name in ("mean", "max"))
        (layer,) = pick(rows, source=code, metric="MEXA_max_layer")
        assert over["value"] == pytest.approx(np.mean(scores), abs=1e-6)  # rows have six digits
        assert highest["value"] == pytest.approx(max(scores), abs=1e-6)
        assert layer["value"] == np.argmax(scores) == 1 and layer["count"] == 3
        assert over["target"] == "en" and over["layer"] == 2 and over["low"] < over["value"] < over["high"]
        largest.append(max(scores))
    (mean,) = pick(rows, source="mean", metric="MEXA_max")
    assert mean["value"] == pytest.approx(np.mean(largest), abs=1e-6) and mean["low"] < mean["value"] < mean["high"]
    (p,), (null,) = (pick(rows, source="mean", metric=f"MEXA_max_{name}") for name in ("p", "null"))
    assert p["value"] == 1 / 20 and null["high"] < mean["low"]
    assert len(rows) == 2 * 6 + 5


def test_the_null_is_that_of_permuted_rows(spaces):
    """A permutation of one language's test rows before the cosines is one of the right answers after them."""
    given = [mexa.layer(label(number), space, ROWS, RAW) for number, space in enumerate(spaces)]
    rng, order = np.random.default_rng(3), np.random.default_rng(4).permutation(50)
    for one, space in zip(given, spaces, strict=True):
        mixed = space | {"fr": space["fr"].copy()}
        mixed["fr"][ROWS.test] = space["fr"][ROWS.test][order]
        expected = by_hand(mixed["en"], mixed["fr"], ROWS.test)
        assert np.array_equal(one.retrieved[0, 0] == ROWS.test[order], expected)
    unrelated = [{code: rng.standard_normal((80, 6)).astype(np.float32) for code in ("fr", "en")} for _ in range(8)]
    layers = [mexa.layer(label(number), space, ROWS, RAW) for number, space in enumerate(unrelated)]
    rows = mexa.rows(layers, ROWS.test, draws=99, bootstrap=100)
    found = {row["metric"]: row for row in rows if row["source"] == "fr"}
    assert found["MEXA_max"]["value"] > found["MEXA_mean"]["value"]  # a maximum is above chance where nothing is alike
    assert found["MEXA_max_p"]["value"] > 0.05 and found["MEXA_max_null"]["value"] > 1 / 99


def test_equal_cosines_are_no_first_place_and_the_pivot_is_english_or_the_first():
    flat = {"fi": np.tile(np.eye(4, dtype=np.float32), (20, 1)), "fr": np.tile(np.eye(4, dtype=np.float32), (20, 1))}
    one = mexa.layer(label(0), flat, ROWS, RAW)
    assert one.pivot == "fi" and one.languages == ("fr",) and not one.hit.any()
    assert mexa.layer(label(0), {"fr": flat["fr"], "en": flat["fi"]}, ROWS, RAW).pivot == "en"
    assert mexa.rows([one], ROWS.test) == []  # one layer has no choice
