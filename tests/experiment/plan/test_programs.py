"""Programs of a plan are those of a run: same shapes, same bytes; equal ones are compiled once."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import jax
import numpy as np
import pytest

from jaxalign import models
from jaxalign.alignment import reduced
from jaxalign.embeddings import batches, extract
from jaxalign.evaluation import pairs_on_mesh
from jaxalign.evaluation.candidates import choose_tiling
from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.experiment.plan import choose, programs
from jaxalign.experiment.plan.programs import Probe, Ranking
from jaxalign.runtime.targets import read_target
from tests.experiment.plan import planted


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "jaxalign" / "plans"


def figures(compiled):
    memory = compiled.memory_analysis()
    return (memory.argument_size_in_bytes, memory.temp_size_in_bytes, memory.output_size_in_bytes)


def test_extraction_has_the_bytes_of_the_runs_own_program():
    """A plan for the CPU against the engine that a run makes on this CPU, from the same forest."""
    work = planted.work_of()
    (part,) = work.embeddings
    spec = choose.program(work, read_target("cpu"), part, 1, 64)
    engine = extract.engine(models.random_model(work.config, 0, "planted"))
    shape = extract.shape_for(engine, part.plan, part.layers, 64)
    assert shape == batches.Shape(
        spec.rows, spec.width, spec.pooled_per_row, spec.pooled, spec.layers, spec.focused, spec.decoder, spec.single
    )
    found = programs.compiled_here(spec)
    if engine.mesh.size == 1:  # a run on several devices holds a batch on each
        own = figures(extract.program(engine, shape))
        assert (found.argument_bytes, found.temporary_bytes, found.output_bytes) == own


def test_ranking_has_the_bytes_of_the_runs_own_program():
    rng = np.random.default_rng(0)
    spaces = [rng.standard_normal((40, 16)).astype(np.float32) for _ in range(3)]
    options = AlignmentOptions(csls_k=3, procrustes="polar")
    padding = choose_tiling(40, options, 1)
    rows = np.arange(30)
    made = [
        reduced.reduce(space, reduced.candidate_rows(space, np.arange(40), padding.rows), rows, options.map_options)
        for space in spaces
    ]
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *made)
    shapes = ((3, 2), (3, 2, 30), (3, 2, padding.rows))
    items = pairs_on_mesh.Items(*(np.zeros(shape, np.int32) for shape in shapes))
    mesh = pairs_on_mesh.make_mesh(jax.devices()[:1])
    own = pairs_on_mesh.rank_on.lower(mesh, stacked, items, (padding.tiling,), 40, options.map_options).compile()
    found = programs.compiled_here(Ranking("cpu", 3, 40, 30, 16, 1, ("csls",), "drop", "highest", 4 << 30, 3, "polar"))
    assert (found.argument_bytes, found.temporary_bytes, found.output_bytes) == figures(own)
    assert not found.decompositions


def test_equal_programs_are_compiled_once(cache):
    """A field of config.json that shapes nothing makes another question, and the same program."""
    work = planted.work_of()
    spec = choose.program(work, read_target("cpu"), work.embeddings[0], 1, 64)
    first = programs.compiled_here(spec)
    (kept,) = cache.glob("*.json")
    kept.write_text(json.dumps(first._asdict() | {"compile_seconds": 12345.0}))
    named = spec._replace(raw=spec.raw | {"_name_or_path": "another"})
    assert programs.compiled_here(named).compile_seconds == 12345.0
    wider = spec._replace(rows=2 * spec.rows)
    assert programs.compiled_here(wider).compile_seconds < 12345.0 and len(list(cache.glob("*.json"))) == 2


def test_a_question_is_asked_once(monkeypatch):
    calls = []

    def apart(spec):
        calls.append(spec)
        return programs.Compiled(1.0, 2, 3, 4, 5, ("gesdd",))

    monkeypatch.setattr(programs, "compile_apart", apart)
    assert programs.compile_cached(Probe("cpu")) == programs.compile_cached(Probe("cpu"))
    programs.compile_cached(Probe("h100"))
    assert [spec.target for spec in calls] == ["cpu", "h100"]


def test_an_error_is_not_kept(monkeypatch, cache):
    monkeypatch.setattr(programs, "compile_apart", lambda spec: programs.Compiled(error="out of memory"))
    assert programs.compile_cached(Probe("cpu")).error == "out of memory"
    assert not list(cache.glob("*.json"))


def test_models_of_one_shape_are_one_question(monkeypatch):
    """As aya-101 and mt0-xxl are; another width is another question."""
    calls = []
    monkeypatch.setattr(programs, "compile_apart", lambda spec: (calls.append(spec), programs.Compiled(1.0))[1])
    work = planted.work_of()
    spec = choose.program(work, read_target("cpu"), work.embeddings[0], 1, 64)
    raw = spec.raw | {"_name_or_path": "another", "transformers_version": "0"}
    for asked in (spec, spec._replace(raw=raw), spec._replace(width=2 * spec.width)):
        programs.compile_cached(asked)
    assert calls == [spec, spec._replace(width=2 * spec.width)]


def test_threads_that_ask_the_same_wait_for_one_compiler(monkeypatch):
    calls = []

    def apart(spec):
        calls.append(spec)
        time.sleep(0.2)
        return programs.Compiled(1.0)

    monkeypatch.setattr(programs, "compile_apart", apart)
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(programs.compile_cached, [Probe("cpu")] * 4)) == {programs.Compiled(1.0)}
    assert len(calls) == 1
