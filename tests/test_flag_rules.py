"""Every flag stands in one group of --help and is read by some mode."""

from collections import Counter
from dataclasses import fields

from jaxalign.config import Config
from jaxalign.flag_rules import GROUPS, MODES


def test_every_flag_stands_in_one_group():
    counted = Counter(name for group in GROUPS.values() for name in group)
    assert set(counted) == {option.name for option in fields(Config)} and set(counted.values()) == {1}


def test_every_flag_is_read_by_some_mode():
    read = frozenset().union(*MODES.values())
    assert read == {option.name for option in fields(Config)}
