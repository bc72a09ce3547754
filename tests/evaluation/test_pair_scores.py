"""Scores of whole pairs agree with the float64 reference and with the ranks."""

import numpy as np
import pytest

from jaxalign.evaluation import pair_scores
from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.evaluation.pairs import evaluate
from jaxalign.evaluation.rows import Rows
from jaxalign.types import InputError
from tests.conftest import planted
from tests.reference import reference_pairs

SEED, TEST = np.arange(30), np.arange(30, 50)


@pytest.mark.parametrize("retrieval", ["csls", "nn"])
@pytest.mark.parametrize("candidates", ["all", "test"])
def test_scores_are_those_of_the_reference(retrieval, candidates):
    spaces = planted(0, 50, 12)
    options = AlignmentOptions(retrieval=retrieval, csls_k=4, candidates=candidates)
    found = pair_scores.of_pairs(spaces, Rows(SEED, TEST), options, lambda pair: pair)
    assert [one.setting.name for one in found] == ["before"] * 6 + ["after"] * 6
    steps = ("unit", "center", "unit")
    for setting in ("before", "after"):
        expected = {
            (i, j): (scores, right)
            for i, j, scores, right in reference_pairs(
                spaces, SEED, TEST, setting, retrieval, 4, candidates, steps, "drop"
            )
        }
        for one in found:
            if one.setting.name == setting:
                scores, right = expected[one.source, one.target]
                got = one.forward[one.queries]
                factor = 2 if retrieval == "csls" else 1
                shift = scores[:, :1] - factor * got[:, :1]  # CSLS up to a constant of the row
                assert (one.queries == right).all()
                assert np.abs(factor * got + shift - scores).max() < 1e-4


@pytest.mark.parametrize(
    "options", [{}, {"map": "ridge"}, {"settings": ("after", "null", "ceiling")}, {"retrieval": "margin"}]
)
def test_ranks_read_from_the_scores_are_the_ranks(options):
    spaces = planted(1, 50, 12)
    given = AlignmentOptions(csls_k=4, **options)
    ranks = evaluate(spaces, Rows(SEED, TEST), given)
    for one in pair_scores.of_pairs(spaces, Rows(SEED, TEST), given, lambda pair: pair):
        scores = one.forward[one.queries]
        right = scores[np.arange(len(scores)), one.queries]
        expected = ranks[one.setting.name][one.source, one.target]
        assert (1 + (scores > right[:, None]).sum(1) == expected).mean() > 0.97
        assert one.turned().turned().forward is one.forward


def test_too_many_candidates_are_refused():
    pair_scores.check_size(4397, 4 << 30)
    with pytest.raises(InputError, match="--memory_budget"):
        pair_scores.check_size(50_000, 4 << 30)
