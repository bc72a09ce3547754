"""Scores of all candidates of a pair, both directions, in memory: for what ranks alone do not tell.

The factors are those that the ranks come from. What is held is one (candidate, candidate) matrix in each direction,
so this is for lists of some thousand concepts: `check_size` refuses more than the memory budget allows.
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import combinations
from typing import NamedTuple, TypeVar

import jax
import numpy as np
from jaxtyping import Array, Float, Int

from jaxalign.evaluation.engine import BothWays, Engine, Item
from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.evaluation.rows import Rows, Spaces, checked_rows
from jaxalign.evaluation.settings import Setting, settings_of
from jaxalign.retrieval.penalties import Retrieval, Tiling, matmul, row_penalty, score
from jaxalign.runtime import threads
from jaxalign.types import InputError

Made = TypeVar("Made")
_BYTES = 16  # of one candidate pair: float32, both directions, on the device and on the host


class PairScores(NamedTuple):
    """One ordered pair in one setting."""

    setting: Setting
    source: int  # place of the language among the spaces
    target: int
    forward: Float[np.ndarray, "candidate candidate"]  # score of each target candidate (column) for each source row
    backward: Float[np.ndarray, "candidate candidate"]  # the same from the target (row) to the source (column)
    queries: Int[np.ndarray, " query"]  # places of the test rows among the candidates

    def turned(self) -> "PairScores":
        """The same pair in the other direction."""
        return PairScores(self.setting, self.target, self.source, self.backward, self.forward, self.queries)


def check_size(candidates: int, memory_budget: int) -> None:
    """InputError where the scores of one pair do not fit the memory budget, in bytes."""
    if _BYTES * candidates**2 > memory_budget:
        raise InputError(
            f"Expected at most {int((memory_budget / _BYTES) ** 0.5):,} candidates for --controls=hubness or bitext "
            f"and --answers=all, whose scores are kept in memory, got {candidates:,}. Raise --memory_budget, or drop "
            "them."
        )


def of_pairs(spaces: Spaces, rows: Rows, options: AlignmentOptions, use: Callable[[PairScores], Made]) -> list[Made]:
    """What `use` makes of each ordered pair in each setting; its scores are freed afterwards.

    A setting with several seed sizes or shuffles is taken at its largest and first; the ceilings are left out.
    """
    rows = checked_rows(spaces, rows, options)
    engine, made = Engine(spaces, rows, options), []
    check_size(engine.valid, options.memory_budget)
    queries = rows.test if options.candidates == "all" else np.arange(len(rows.test))
    pairs = list(combinations(range(len(spaces)), 2))
    workers = threads.workers(max(1, min(len(pairs), options.memory_budget // (_BYTES * engine.valid**2))))
    for setting in _largest(settings_of(options, rows)):
        aligner = engine.aligner(setting.fitted)

        def use_pair(pair: tuple[int, int], setting: Setting = setting, aligner: Aligner = aligner) -> list[Made]:
            aligned = aligner(Item(setting, *pair))
            forward, backward = _scores_of(aligned, engine.valid, options)
            there = PairScores(setting, *pair, forward, backward, queries)
            return [use(there), use(there.turned())]

        for both in threads.parallel_map(use_pair, pairs, workers):
            made += both
    return made


Aligner = Callable[[Item], BothWays]


def _largest(settings: Sequence[Setting]) -> list[Setting]:
    chosen: dict[str, Setting] = {}
    for setting in settings:
        held = chosen.get(setting.name)
        if not setting.name.startswith("ceiling") and (held is None or setting.seed_size > held.seed_size):
            chosen[setting.name] = setting
    return list(chosen.values())


def _scores_of(aligned: BothWays, valid: int, options: AlignmentOptions) -> list[np.ndarray]:
    asked = valid, options.retrieval, options.neighbours
    scores = [np.asarray(part) for part in _scores(*aligned.forward, *asked)]
    if aligned.backward is not None:
        scores[1] = np.asarray(_scores(*aligned.backward, *asked)[0])
    return scores


@partial(jax.jit, static_argnames=("valid", "retrieval", "k"))
def _scores(source: Array, target: Array, valid: int, retrieval: Retrieval, k: int) -> tuple[Array, Array]:
    cells, tiling = matmul(source[:valid], target[:valid]), Tiling(retrieval, k)
    rows, columns = row_penalty(cells, tiling, valid)[:, None], row_penalty(cells.T, tiling, valid)[:, None]
    return score(cells, rows, columns.T, retrieval), score(cells.T, columns, rows.T, retrieval)
