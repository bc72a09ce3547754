"""What finished runs keep of their ranks, for questions that were not asked when they ran."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jaxalign.metrics.gains import expected_gains
from jaxalign.report import facts, files
from jaxalign.report.results import MEAN, SETTINGS
from jaxalign.types import InputError


class Key(NamedTuple):
    """The name of a table of ranks.npz."""

    model: str
    embedding: str
    pooling: str
    layer: int
    retrieval: str
    setting: str
    seed_size: int


class Finished(NamedTuple):
    """Runs over the same concepts and split as one."""

    languages: dict[str, tuple[str, ...]]  # of each model, in the order of its tables
    ranks: dict[Key, np.ndarray]  # (source, target, query)
    ties: dict[Key, np.ndarray]
    kinds: tuple[str, ...]  # of the test concepts
    words: Mapping[str, Sequence[str]]  # language -> words of the test concepts
    parameters: dict[str, int]  # of each model, where they were counted
    rng_seed: int

    @property
    def models(self) -> list[str]:
        """The models in the order of the runs."""
        return list(self.languages)

    def gain(self, key: Key, metric: str) -> np.ndarray:
        """What each query adds to a metric, (source, target, query), ties in random order."""
        return expected_gains(self.ranks[key], self.ties.get(key, np.zeros_like(self.ranks[key])), metric)


def read_finished(folders: Iterable[Path]) -> Finished:
    """Returns the ranks of finished runs, first split and first shuffle.

    Raises InputError where a folder is no finished run of an alignment, where concepts or splits differ, and where two
    runs have other ranks of one model, embedding and setting.
    """
    runs = facts.read_runs(list(folders))
    for other in runs[1:]:
        if said := facts.differences(runs[0], other):
            raise InputError(
                f"Expected runs over the same concepts and split, got {runs[0].name} and {other.name} with different "
                f"{', '.join(said)}. Judge them one after the other."
            )
    about = runs[0].extras.get("words") or {}
    if "kinds" not in about:
        raise InputError(
            f"Expected the kinds of the test concepts in {runs[0].folder}/report.json, got none: an earlier version "
            "made this run. Repeat it, with the same --workdir to use its ranks again."
        )
    seed = int((runs[0].extras.get("settings") or {}).get("seed", 0))
    made = Finished({}, {}, {}, tuple(about["kinds"]), about["by_language"], {}, seed)
    for run in runs:
        _add(made, run)
    return made


def _add(made: Finished, run: facts.Run) -> None:
    found = files.read_ranks(Path(run.folder), lambda name: name.removesuffix("|ties").split("|")[7:9] == ["0", "0"])
    if not found:
        raise InputError(f"Expected ranks.npz in {run.folder}, got none. Give the folder of a finished alignment.")
    sources = (row["source"] for row in run.rows if row["setting"] in SETTINGS and row["source"] != MEAN)
    languages = tuple(dict.fromkeys(sources))
    for row in run.rows:
        if row["metric"] == "parameters":
            made.parameters.setdefault(row["model"], int(row["value"]))
    for name, table in found.items():
        parts = name.removesuffix("|ties").split("|")
        key = Key(parts[0], parts[1], parts[2], int(parts[3]), parts[4], parts[5], int(parts[6]))
        kept = made.ties if name.endswith("|ties") else made.ranks
        if not np.array_equal(kept.setdefault(key, table), table):
            raise InputError(
                f"Expected one run of each model, embedding and setting, got {run.name} with other ranks of "
                f"{', '.join(map(str, key))} than a run before it. Leave one of the two out."
            )
    for model in {key.model: None for key in made.ranks}:
        if model in run.models and made.languages.setdefault(model, languages) != languages:
            raise InputError(
                f"Expected the languages of {model} in one order in all runs, got {', '.join(languages)} in {run.name} "
                f"and {', '.join(made.languages[model])} before. Leave one of the runs out."
            )
