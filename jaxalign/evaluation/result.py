"""What an evaluation gives: ranks of every ordered pair in every setting, with the languages they belong to."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Int


class SettingRanks(NamedTuple):
    """One setting of all ordered pairs, (source, target, query) int32; 0 for a language with itself."""

    setting: str
    seed_size: int  # rows the map was fitted on; 0 for `before`
    draw: int  # number of the shuffle; 0 where there is none
    rank: Int[np.ndarray, "source target query"]  # 1 + the candidates that score strictly higher than the answer
    best: Int[np.ndarray, "source target query"]  # row of the spaces of the best candidate
    ties: Int[np.ndarray, "source target query"]  # candidates that score exactly as the right answer


class Ranks(Mapping[str, np.ndarray]):
    """Setting -> ranks of the right answers from 1, (source, target, query); the diagonal is 0.

    Where a setting has several seed sizes or shuffles, the mapping holds the largest seed dictionary's first;
    `tables` holds all.
    """

    def __init__(self, languages: tuple[str, ...], tables: tuple[SettingRanks, ...]):
        self.languages, self.tables = languages, tables

    def __getitem__(self, setting: str) -> Int[np.ndarray, "source target query"]:
        return self.largest()[setting].rank

    def __iter__(self) -> Iterator[str]:
        return iter(self.largest())

    def __len__(self) -> int:
        return len(self.largest())

    def largest(self) -> dict[str, SettingRanks]:
        """Each setting's first table at its largest seed dictionary."""
        found: dict[str, SettingRanks] = {}
        for table in self.tables:
            held = found.get(table.setting)
            if held is None or table.seed_size > held.seed_size:
                found[table.setting] = table
        return found
