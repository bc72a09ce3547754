"""Ranks as a mapping from setting to a table: the largest seed dictionary's first."""

import numpy as np

from jaxalign.evaluation.result import Ranks, SettingRanks


def table(setting, seed_size, draw, value):
    rank = np.full((2, 2, 3), value, np.int32)
    return SettingRanks(setting, seed_size, draw, rank, rank, rank)


def test_the_mapping_holds_each_settings_largest_seed_dictionary_first_draw():
    tables = (
        table("before", 0, 0, 1), table("after", 50, 0, 2), table("after", 100, 0, 3), table("null", 50, 0, 4),
        table("null", 100, 0, 5), table("null", 100, 1, 6),
    )  # fmt: skip
    ranks = Ranks(("en", "fr"), tables)
    assert list(ranks) == ["before", "after", "null"] and len(ranks) == 3 and ranks.languages == ("en", "fr")
    assert [int(ranks[name][0, 1, 0]) for name in ranks] == [1, 3, 5]
    assert dict(ranks).keys() == ranks.largest().keys() and ranks.tables == tables
