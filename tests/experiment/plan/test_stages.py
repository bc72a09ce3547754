"""The programs of all stages: lowered for this CPU at small sizes, and compared with the calls of a run."""

import jax
import numpy as np
import pytest

from benchmarks import compile_times
from jaxalign.alignment import generalized
from jaxalign.experiment.plan import programs, stages
from jaxalign.experiment.plan.stages import Stage


@pytest.mark.parametrize("name", stages.STAGES)
def test_each_stage_is_lowered_without_a_decomposition(name):
    text = stages.stage(Stage("cpu", name, 3, 64, 12, 24)).as_text()
    assert "dot_general" in text and not [word for word in programs.DECOMPOSITIONS if word in text]


def test_a_decomposition_would_be_found():
    shape = jax.ShapeDtypeStruct((8, 8), np.float32)
    text = jax.jit(lambda matrix: jax.numpy.linalg.svd(matrix)[0]).lower(shape).as_text()
    assert [word for word in programs.DECOMPOSITIONS if word in text]


@pytest.mark.parametrize("target", ["v5e-1", "h100"])
def test_the_compilers_get_every_stage_retrieval_completion_and_precision(target):
    specs = [one.spec for one in compile_times.PROGRAMS if one.spec.target == target]
    assert {spec.stage for spec in specs if isinstance(spec, Stage)} == set(stages.STAGES)
    rankings = [spec for spec in specs if isinstance(spec, programs.Ranking)]
    assert {name for spec in rankings for name in spec.retrievals} == {"csls", "nn", "isf", "margin"}
    assert {spec.completion for spec in rankings} == {"drop", "identity"}  # `arbitrary` is `identity` by products
    assert {spec.precision for spec in rankings} == {"highest", "fast"}
    assert {spec.features for spec in rankings if spec.concepts == 4397} >= {1024, 4096}
    names = [(one.spec.target, one.name) for one in compile_times.PROGRAMS]
    assert len(set(names)) == len(names)


def test_generalised_procrustes_is_the_program_of_the_run(monkeypatch):
    spec = Stage("cpu", "generalized", 3, 40, 12, 8)
    spaces = np.random.default_rng(0).standard_normal((3, 12, 8)).astype(np.float32)
    lowered = []
    agree = generalized.agree
    monkeypatch.setattr(generalized, "agree", lambda *args: lowered.append(agree.lower(*args)) or agree(*args))
    generalized.rotations(list(spaces), method="polar", tolerance=-1.0)
    monkeypatch.undo()
    own, planned = (one.compile().memory_analysis() for one in (lowered[0], stages.stage(spec)))
    assert own.argument_size_in_bytes == planned.argument_size_in_bytes
    assert own.temp_size_in_bytes == planned.temp_size_in_bytes
