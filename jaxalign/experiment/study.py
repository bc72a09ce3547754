"""What every space of a run is asked, and what figures of one space begin with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np

from jaxalign.config import Config
from jaxalign.evaluation.options import AlignmentOptions, from_config
from jaxalign.evaluation.result import Ranks
from jaxalign.evaluation.rows import Rows
from jaxalign.experiment import result_cache
from jaxalign.experiment.design import Questions
from jaxalign.metrics.evaluated import Evaluated, identical_answers
from jaxalign.metrics.rows import ResultRow
from jaxalign.runtime import clock as clock_module
from jaxalign.runtime.progress import EvaluationProgress
from jaxalign.types import Concepts, Space, Split


@dataclass
class Study:
    """What every space of a run is asked: the splits and the control subsets of each split."""

    config: Config
    concepts: Concepts
    splits: Sequence[Split]
    masks: Sequence[Mapping[str, np.ndarray]]
    clock: clock_module.Clock
    bar: EvaluationProgress | None  # none on the processes after the first
    confounds: dict[str, np.ndarray] = field(
        default_factory=dict
    )  # of the first split: name -> (source, target, query)
    options: AlignmentOptions = field(init=False)

    def __post_init__(self) -> None:
        self.options = from_config(self.config)


class Answer(NamedTuple):
    """The ranks of one space in one retrieval and split."""

    options: AlignmentOptions
    number: int  # of the split
    ranks: Ranks


def evaluated_of(study: Study, space: Space, asked: Questions, answer: Answer) -> Evaluated:
    """What figures are computed from, of an answer about a space."""
    split = study.splits[answer.number]
    subsets = study.masks[answer.number] if asked.controls else {}
    identical = None
    if study.config.identical_answers:
        identical = identical_answers(study.concepts, split, space.vectors, answer.options.candidates)
    return Evaluated(space.label, answer.ranks, study.concepts, split, answer.options.columns, subsets, identical)


def split_rows(study: Study, space: Space) -> Rows:
    """Places of the first split's concepts among the rows of a space."""
    row_of = {name: row for row, name in enumerate(space.ids)}
    return Rows(*(np.asarray([row_of[name] for name in names]) for names in study.splits[0]))


def kept_rows(
    study: Study, space: Space, kind: str, asked: Mapping[str, object], make: Callable[[], list[ResultRow]]
) -> list[ResultRow]:
    """The rows that `make` gives, read from the work folder where they were made for the same vectors before."""
    key = result_cache.digest(space, study.splits[0], kind, asked)
    path = Path(study.config.workdir) / "ranks" / f"{key}.rows"
    rows = result_cache.read_rows(path)
    if rows is None:
        rows = make()
        result_cache.write_rows(path, rows)
    return [cast(ResultRow, {**row, **space.label._asdict()}) for row in rows]  # the digest does not know the label
