"""Ranks of one space: computed once, then read from the work folder; the shared space has a setting of its own."""

from dataclasses import replace

import numpy as np
import pytest

from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.evaluation.pairs import rank
from jaxalign.experiment import space_ranks
from jaxalign.experiment.space_ranks import SpaceRanks
from jaxalign.runtime.progress import EvaluationProgress
from jaxalign.types import Space, SpaceLabel, Split
from tests.conftest import planted

VECTORS = planted(4, 60, 8, noise=0.2)
IDS = tuple(f"c{row}" for row in range(60))
SPACE = Space(SpaceLabel("m", "vanilla", "last", 3), IDS, VECTORS)
SPLIT = Split(seed=IDS[10:50], test=IDS[:10])
OPTIONS = AlignmentOptions(settings=("before", "after"))


@pytest.fixture
def calls(monkeypatch):
    """How often ranks are computed."""
    made: list[str] = []

    def counted(name):
        real = getattr(space_ranks, name)
        monkeypatch.setattr(space_ranks, name, lambda *args, **options: made.append(name) or real(*args, **options))

    counted("evaluate")
    counted("evaluate_each")
    return made


def test_pairs_are_computed_once_and_are_those_of_rank(tmp_path, calls):
    (ranks,) = SpaceRanks(SPACE, str(tmp_path), None).of_pairs(SPLIT, [OPTIONS])
    (again,) = SpaceRanks(SPACE, str(tmp_path), None).of_pairs(SPLIT, [OPTIONS])
    assert len(calls) == 1 and len(list((tmp_path / "ranks").glob("*.ranks"))) == 1
    expected = rank(VECTORS, seed=np.arange(10, 50), test=np.arange(10), settings=("before", "after"))
    for table, read in zip(ranks.tables, again.tables, strict=True):
        np.testing.assert_array_equal(table.rank, expected[table.setting])
        np.testing.assert_array_equal(read.rank, table.rank)
    SpaceRanks(SPACE, str(tmp_path), None).of_pairs(Split(SPLIT.test, SPLIT.seed), [OPTIONS])
    assert len(calls) == 2  # another split is another question


def test_only_the_retrievals_that_are_missing_are_computed_and_all_together(tmp_path, calls):
    csls, nn, margin = (replace(OPTIONS, retrieval=name) for name in ("csls", "nn", "margin"))
    SpaceRanks(SPACE, str(tmp_path), None).of_pairs(SPLIT, [nn])
    lines: list[str] = []
    with EvaluationProgress(3, 6) as bar:
        bar.within = lambda done, total, evaluations: lines.append(f"{done}/{total} of {evaluations}")  # type: ignore[method-assign]
        found = SpaceRanks(SPACE, str(tmp_path), bar).of_pairs(SPLIT, [csls, nn, margin])
    assert len(calls) == 2 and lines[-1] == "6/6 of 2" and len(list((tmp_path / "ranks").glob("*.ranks"))) == 3
    for options, ranks in zip((csls, nn, margin), found, strict=True):
        (alone,) = SpaceRanks(SPACE, str(tmp_path / options.retrieval), None).of_pairs(SPLIT, [options])
        for table, own in zip(ranks.tables, alone.tables, strict=True):
            np.testing.assert_array_equal(table.rank, own.rank)


def test_the_shared_space_does_not_depend_on_the_order_of_languages(tmp_path, calls):
    made = SpaceRanks(SPACE, str(tmp_path / "a"), None).of_shared_space(SPLIT, OPTIONS)
    (table,) = made.tables
    assert (table.setting, table.seed_size) == ("gpa", 40) and table.rank.shape == (3, 3, 10)
    assert (table.rank[~np.eye(3, dtype=bool)] == 1).mean() > 0.5
    turned = SPACE._replace(vectors=dict(reversed(VECTORS.items())))
    (other,) = SpaceRanks(turned, str(tmp_path / "b"), None).of_shared_space(SPLIT, OPTIONS).tables
    np.testing.assert_array_equal(other.rank[::-1, ::-1], table.rank)
    SpaceRanks(SPACE, str(tmp_path / "a"), None).of_shared_space(SPLIT, OPTIONS)
    assert len(calls) == 2
