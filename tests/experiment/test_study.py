"""What every space of a run is asked: rows by place, and figures that are made once."""

import numpy as np
import pytest

from jaxalign.config import Config
from jaxalign.evaluation.pairs import evaluate
from jaxalign.evaluation.rows import Rows
from jaxalign.experiment.design import Questions
from jaxalign.experiment.study import Answer, Study, evaluated_of, kept_rows, split_rows
from jaxalign.metrics.rows import Place, result_row
from jaxalign.runtime.clock import Clock
from jaxalign.types import Concepts, Space, Split
from tests.conftest import planted
from tests.planted import LABEL

IDS = tuple(f"c{number}" for number in range(30))


@pytest.fixture
def study(tmp_path):
    config = Config(workdir=str(tmp_path), csls_k=3)
    concepts = Concepts(IDS, ("physical",) * 30, {"en": IDS, "fr": IDS}, ())
    return Study(config, concepts, [Split(IDS[:20], IDS[20:])], [{}], Clock(), None)


def space():
    return Space(LABEL, tuple(reversed(IDS)), planted(0, 30, 6, 2))


def test_rows_are_the_places_of_the_split_in_the_space(study):
    rows = split_rows(study, space())
    assert [space().ids[row] for row in rows.test] == list(IDS[20:]) and len(rows.seed) == 20


def test_rows_are_made_once_for_one_question(study):
    calls = []

    def make():
        calls.append(1)
        return [result_row(Place(model="other", metric="P@1"), 0.5, 9)]

    found = [kept_rows(study, space(), "kind", {"k": k}, make) for k in (1, 1, 2)]
    assert len(calls) == 2 and found[0] == found[1] and found[0][0]["model"] == LABEL.model


def test_what_is_evaluated_belongs_to_the_answers_split(study):
    ranks = evaluate(space().vectors, Rows(np.arange(20), np.arange(20, 30)), study.options)
    asked = Questions(("csls",), 1, ("before",), ())
    evaluated = evaluated_of(study, space(), asked, Answer(study.options, 0, ranks))
    assert evaluated.split is study.splits[0] and evaluated.columns["csls_k"] == 3 and evaluated.identical is None
