"""The programs of a small evaluation, compiled beside other work: two seconds of the quickstart."""

from collections.abc import Sequence
from dataclasses import replace

import jax
import numpy as np

from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.evaluation.pairs import evaluate_each
from jaxalign.evaluation.rows import Rows
from jaxalign.runtime import processes

LANGUAGES = "abc"  # three pairs keep all threads busy, as more pairs do
_CONCEPTS, _FEATURES = 1000, 512  # up to these sizes the maps of three pairs take less time than the compilation


def is_worth_it(concepts: int, features: int) -> bool:
    """Whether an evaluation of this size takes less time than its compilation, on this machine's only device, a CPU."""
    alone = processes.is_single() and jax.default_backend() == "cpu" and jax.local_device_count() == 1
    return alone and concepts <= _CONCEPTS and features <= _FEATURES


def compile_programs(
    concepts: int, features: int, rows: Rows, options: AlignmentOptions, retrievals: Sequence[str]
) -> None:
    """Evaluates random numbers in this shape, in each retrieval and one draw of each null.

    Later evaluations of spaces of this shape use the same programs. No other evaluation may run at the same time: both
    set the number of LAPACK's threads.
    """
    draw = np.random.default_rng(0)
    spaces = {code: draw.standard_normal((concepts, features), np.float32) for code in LANGUAGES}
    settings = tuple(name for name in options.settings if not name.startswith("shrunken"))  # a search, not a program
    if settings:
        asked = (replace(options, settings=settings, null_draws=1, retrieval=name) for name in retrievals)  # type: ignore[arg-type]
        evaluate_each(spaces, rows, list(asked))
