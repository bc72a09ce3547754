"""The engine: ranks of single pairs against float64, the factors behind them, maps of one direction."""

import numpy as np
import pytest

from jaxalign.evaluation.engine import Engine, Item
from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.evaluation.rows import Rows
from jaxalign.evaluation.settings import Fitted, Setting
from jaxalign.reference import normalize, procrustes, unit_rows
from jaxalign.reference import rank as reference_rank
from tests.conftest import planted

SPACES = planted(1, 90, 12)
ROWS = Rows(np.arange(40), np.arange(40, 70))
NAMES = list(SPACES)


@pytest.mark.parametrize("name", ["before", "after", "ceiling"])
def test_ranks_of_a_pair_are_the_references(name):
    size = {"before": 0, "after": 40, "ceiling": 70}[name]
    setting = Setting(name, size, 0)
    items = [Item(setting, 0, 2), Item(setting, 1, 2)]
    expected = reference_rank(SPACES, ROWS.seed, ROWS.test, name)
    engine = Engine(SPACES, ROWS, AlignmentOptions(settings=(name,)))
    assert engine.valid == 90
    for item, (found,) in zip(items, engine.rank(setting.fitted, items), strict=True):
        there, back = expected[item.first, item.second], expected[item.second, item.first]
        assert (found.source_to_target[0] == there).mean() > 0.96  # near ties may fall either way in float32
        assert (found.target_to_source[0] == back).mean() > 0.96
        assert np.abs(found.source_to_target[0] - there).max() <= 1


def test_factors_give_the_cosines_after_the_map():
    setting = Setting("after", 40, 0)
    engine = Engine(SPACES, ROWS, AlignmentOptions(settings=("after",)))
    both = engine.aligner(setting.fitted)(Item(setting, 0, 1))
    assert both.backward is None
    first, second = (normalize(SPACES[name]) for name in NAMES[:2])
    rotation = procrustes(first[:40], second[:40])
    cosine = np.asarray(both.forward.source)[:90] @ np.asarray(both.forward.target)[:90].T
    np.testing.assert_allclose(cosine, unit_rows(first @ rotation) @ unit_rows(second).T, atol=1e-5)


def test_least_squares_has_a_map_for_each_direction():
    setting = Setting("after", 40, 0)
    engine = Engine(SPACES, ROWS, AlignmentOptions(settings=("after",), map="least_squares"))
    both = engine.aligner(setting.fitted)(Item(setting, 0, 1))
    first, second = (normalize(SPACES[name]) for name in NAMES[:2])
    for aligned, source, target in ((both.forward, first, second), (both.backward, second, first)):
        map_ = np.linalg.lstsq(source[:40], target[:40], rcond=None)[0]
        cosine = np.asarray(aligned.source)[:90] @ np.asarray(aligned.target)[:90].T
        np.testing.assert_allclose(cosine, unit_rows(source @ map_) @ unit_rows(target).T, atol=1e-4)


def test_settings_without_a_map_share_the_bare_candidates():
    engine = Engine(SPACES, ROWS, AlignmentOptions(settings=("before",)))
    both = engine.aligner(Fitted(False, 0))(Item(Setting("before", 0, 0), 0, 1))
    np.testing.assert_allclose(np.asarray(both.forward.source)[:90], normalize(SPACES[NAMES[0]]), atol=1e-6)
