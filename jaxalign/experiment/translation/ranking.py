"""Ranks of one setting of word translation: no map, the map of a seed dictionary, or of one that refines itself.

Refinement (Conneau et al. 2018; Artetxe et al. 2017): the words that are each other's nearest neighbours after the map
become the next seed dictionary, a number of times. Only the first MOST words of each vocabulary take part, the most
frequent ones in usual files. The null does the same from a shuffled seed dictionary.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxalign.alignment import procrustes
from jaxalign.alignment.normalize import unit_rows
from jaxalign.config import Config
from jaxalign.experiment.translation.dictionary_files import DictionaryPairs
from jaxalign.retrieval import vocabulary
from jaxalign.retrieval.mutual import RowPairs, mutual_neighbours
from jaxalign.retrieval.vocabulary import WordRanks
from jaxalign.runtime.clock import Clock
from jaxalign.runtime.log import LOGGER
from jaxalign.runtime.progress import StageProgress

MOST = 10_000


class Vocabulary(NamedTuple):
    """The words of one language and their vectors."""

    words: tuple[str, ...]
    vectors: Float[np.ndarray, "word feature"]


class Task(NamedTuple):
    """Two normalised vocabularies, the pairs that the map is fitted on and those that are scored."""

    source: Vocabulary
    target: Vocabulary
    seed: DictionaryPairs
    test: DictionaryPairs
    target_firsts: Int[np.ndarray, " word"]  # for each target word the first one with the same vector


class Mapped(NamedTuple):
    """Unit rows of both vocabularies in one space."""

    source: Float[Array, "word feature"]
    target: Float[Array, "word feature"]


def fitted_on(task: Task, setting: str, rng_seed: int, draw: int) -> Task:
    """The task itself; for a null with the target words of its seed pairs in a random order."""
    if not setting.endswith("null"):
        return task
    order = np.random.default_rng([rng_seed, draw]).permutation(len(task.seed.target_rows))
    return task._replace(seed=task.seed._replace(target_rows=task.seed.target_rows[order]))


def rank(config: Config, task: Task, setting: str, clock: Clock) -> dict[str, WordRanks]:
    """The ranks of every retrieval in one setting: before, or with the map of the seed pairs."""
    queries, answers = vocabulary.answer_table(task.test.source_rows, task.test.target_rows)
    with clock.phase("align"):
        mapped = _mapped(config, task, setting)
    ranked = {}
    for retrieval in config.retrieval:
        with clock.phase("retrieve"):
            ranked[retrieval] = vocabulary.ranks(
                *mapped,
                queries,
                answers,
                retrieval=retrieval,
                csls_k=config.csls_k,
                kernel=config.kernel,
                memory_budget=int(config.memory_budget * 2**30),
                best=False,
                progress=StageProgress("words"),
            )
    return ranked


def _mapped(config: Config, task: Task, setting: str) -> Mapped:
    if setting == "before":
        return Mapped(*(unit_rows(jnp.asarray(side.vectors)) for side in (task.source, task.target)))
    mapped = _fit(config, task, RowPairs(task.seed.source_rows, task.seed.target_rows))
    for number in range(config.refine if setting.startswith("refined") else 0):
        pairs = mutual_neighbours(mapped.source[:MOST], mapped.target[:MOST], config.csls_k)
        LOGGER.info("%s, round %d: %s mutual neighbours", setting, number + 1, f"{len(pairs.source):,}")
        mapped = _fit(config, task, pairs)
    return mapped


def _fit(config: Config, task: Task, pairs: RowPairs) -> Mapped:
    """Both vocabularies after the map of the pairs."""
    source, target = task.source.vectors, task.target.vectors
    method = procrustes.method(config.procrustes)
    seeds = source[pairs.source], target[pairs.target]
    turn = np.asarray(procrustes.rotation(*seeds, completion=config.completion, method=method))
    source = source @ turn
    if config.completion == "drop":
        target = (target @ (turn.T @ turn))[task.target_firsts]
    return Mapped(unit_rows(jnp.asarray(source)), unit_rows(jnp.asarray(target)))
