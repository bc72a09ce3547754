"""Programs compiled ahead are those that the evaluation takes, and only where that costs little."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from jaxalign.evaluation import pairs, warm_up
from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.evaluation.rows import Rows
from tests.conftest import planted

ROWS = Rows(np.arange(31), np.arange(31, 47))
OPTIONS = AlignmentOptions(settings=("before", "after", "ceiling", "null"), csls_k=5)


@pytest.fixture
def compiled():
    """The programs that are compiled from now on."""
    made, open_ = [], [True]

    def listen(event: str, _: float, **_options: object) -> None:
        if open_ and event.endswith("backend_compile_duration"):
            made.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    yield made
    open_.clear()


def test_the_evaluation_compiles_nothing_afterwards(compiled):
    warm_up.compile_programs(59, 11, ROWS, replace(OPTIONS, seed_sizes=(20, 31)), ("csls", "nn"))
    assert compiled
    compiled.clear()
    asked = [replace(OPTIONS, seed_sizes=(20, 31), null_draws=2, retrieval=name) for name in ("csls", "nn")]
    pairs.evaluate_each(planted(3, 59, 11, languages=5), ROWS, asked)
    assert compiled == []


def test_searches_are_left_out(monkeypatch):
    asked = []
    monkeypatch.setattr(warm_up, "evaluate_each", lambda spaces, rows, options: asked.extend(options))
    warm_up.compile_programs(59, 11, ROWS, replace(OPTIONS, settings=("shrunken", "shrunken_null")), ("csls",))
    assert asked == []
    warm_up.compile_programs(59, 11, ROWS, replace(OPTIONS, settings=("after", "shrunken")), ("nn",))
    assert [(one.settings, one.retrieval, one.null_draws) for one in asked] == [(("after",), "nn", 1)]


@pytest.mark.parametrize(("concepts", "features", "devices", "backend", "expected"), [
    (488, 96, 1, "cpu", True), (488, 640, 1, "cpu", False), (2259, 96, 1, "cpu", False), (488, 96, 8, "cpu", False),
    (488, 96, 1, "tpu", False),
])  # fmt: skip
def test_only_small_evaluations_on_one_cpu(monkeypatch, concepts, features, devices, backend, expected):
    monkeypatch.setattr(jax, "local_device_count", lambda: devices)
    monkeypatch.setattr(jax, "default_backend", lambda: backend)
    assert warm_up.is_worth_it(concepts, features) == expected
