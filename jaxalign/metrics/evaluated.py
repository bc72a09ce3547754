"""The ranks of one space together with what describes its queries."""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from jaxalign.evaluation.options import OptionColumns
from jaxalign.evaluation.result import Ranks, SettingRanks
from jaxalign.metrics.gains import expected_gains
from jaxalign.metrics.rows import Place
from jaxalign.types import Concepts, InputError, SpaceLabel, Split


class Evaluated(NamedTuple):
    """The ranks of one space; queries are in the order of `split.test`."""

    label: SpaceLabel
    ranks: Ranks
    concepts: Concepts
    split: Split
    columns: OptionColumns
    subsets: Mapping[str, np.ndarray] = {}  # masks (query,) or (source, target, query), added to `kind_subsets`
    identical: Int[np.ndarray, "language query"] | None = (
        None  # other candidates that are right too, see `identical_answers`
    )

    def place(self, setting: str, seed_size: int) -> Place:
        """The columns of this space's rows of one setting."""
        return Place(**self.label._asdict(), setting=setting, seed_size=seed_size, **self.columns)

    def answers(self) -> Int[np.ndarray, " query"]:
        """Row of the right answer of each query."""
        row_of = {name: row for row, name in enumerate(self.concepts.ids)}
        return np.asarray([row_of[name] for name in self.split.test])

    def candidates(self) -> int:
        """How many candidates a query has."""
        return len(self.concepts.ids) if self.columns["candidates"] == "all" else len(self.split.test)

    def masks(self, rng_seed: int) -> dict[str, np.ndarray]:
        """Every subset: those of the concepts' kinds, then the others."""
        kind_of = dict(zip(self.concepts.ids, self.concepts.kinds, strict=True))
        return kind_subsets([kind_of[name] for name in self.split.test], rng_seed) | dict(self.subsets)

    def gains(self, table: SettingRanks, metric: str) -> Float[np.ndarray, "source target query"]:
        """What each query adds to a metric, candidates of equal score in random order."""
        wrong = self.wrong_ties(table)
        return expected_gains(table.rank, wrong, metric, 1 + np.asarray(table.ties) - wrong)

    def wrong_ties(self, table: SettingRanks) -> Int[np.ndarray, "source target query"]:
        """The wrong candidates that score exactly as the right answer."""
        return np.asarray(table.ties) - (0 if self.identical is None else np.minimum(table.ties, self.identical))

    def check(self) -> None:
        """InputError unless the ranks are those of these languages and this split."""
        languages, queries = len(self.ranks.languages), len(self.split.test)
        for table in self.ranks.tables:
            if table.rank.shape != (languages, languages, queries):
                raise InputError(
                    f"Expected ranks of shape {(languages, languages, queries)} (source, target, query), got "
                    f"{table.rank.shape}. Pass the languages and the split that made them."
                )

    def has_copies(self, rng_seed: int) -> bool:
        """Whether physical_down holds the same queries as physical, because there was nothing to draw down."""
        masks = self.masks(rng_seed)
        return "physical_down" in masks and bool((masks["physical_down"] == masks["physical"]).all())

    def by_setting(self) -> dict[tuple[str, int], list[SettingRanks]]:
        """(setting, seed size) -> its draws."""
        groups: dict[tuple[str, int], list[SettingRanks]] = {}
        for table in self.ranks.tables:
            groups.setdefault((table.setting, int(table.seed_size)), []).append(table)
        return groups


def identical_answers(
    concepts: Concepts, split: Split, vectors: Mapping[str, np.ndarray], candidates: str
) -> Int[np.ndarray, "language query"]:
    """For each language and test concept, how many other candidates have its word and its vector: the same answer.

    Two senses of one word ("bank" as "banque") are two concepts with one text, and nothing can tell them apart.
    """
    row_of = {name: row for row, name in enumerate(concepts.ids)}
    queries = [row_of[name] for name in split.test]
    counts = []
    for language, rows in vectors.items():
        words = concepts.words[language]
        keys = [(words[row], np.asarray(rows[row]).tobytes()) for row in range(len(words))]
        of_key = Counter(keys if candidates == "all" else [keys[row] for row in queries])
        counts.append([of_key[keys[row]] - 1 for row in queries])
    return np.array(counts, np.int64)


def kind_subsets(kinds: list[str], rng_seed: int = 0) -> dict[str, Bool[np.ndarray, " query"]]:
    """The masks all, abstract, physical and physical_down (as many physical queries as abstract ones).

    The paper compares abstract with down-sampled physical concepts. Subsets without a query are left out.
    """
    kind = np.asarray(kinds)
    masks = {"all": np.ones(len(kind), bool), "abstract": kind == "abstract", "physical": kind == "physical"}
    physical, wanted = np.flatnonzero(masks["physical"]), int(masks["abstract"].sum())
    if wanted and len(physical):
        down = np.zeros(len(kind), bool)
        size = min(wanted, len(physical))
        down[np.random.default_rng(rng_seed).choice(physical, size, replace=False)] = True
        masks["physical_down"] = down
    return {name: mask for name, mask in masks.items() if mask.any()}
