"""Every program of a run through the real compilers of TPUs and GPUs, without the devices.

    pip install 'jax[tpu]' (or 'jax[cuda13]'), then: python -m pytest -n 0 -m compilers

Each program compiles in a process of its own, fits the device's memory, and holds no decomposition. The programs, at
the sizes of the paper, are those of the table that `benchmarks.compile_times` prints.
"""

import functools

import jax
import pytest

from benchmarks import compile_times
from jaxalign.config import Config
from jaxalign.experiment.plan import choose, programs, suite
from jaxalign.experiment.plan.programs import Extraction, Probe, Ranking
from jaxalign.runtime.targets import read_target
from tests.experiment.plan import planted

pytestmark = pytest.mark.compilers


@functools.cache
def missing(platform: str) -> str:
    return programs.compile_cached(Probe("v5e-1" if platform == "tpu" else "h100")).error


def skip_without(device):
    if missing(device.platform):
        extra = "tpu" if device.platform == "tpu" else "cuda13"
        pytest.skip(f"needs the compiler for {device.name}: pip install 'jaxalign[{extra}]'")


@pytest.mark.parametrize("spec", [pytest.param(one.spec, id=f"{one.spec.target} {one.name}")
                                  for one in compile_times.PROGRAMS])  # fmt: skip
def test_a_program_compiles_and_fits(spec):
    device = read_target(spec.target).device
    skip_without(device)
    answer = programs.compile_cached(spec)
    assert not answer.error, answer.error
    assert answer.bytes < device.memory_bytes and answer.argument_bytes > 10**6
    assert not answer.decompositions
    if isinstance(spec, Ranking):  # batches of pairs keep to the budget
        assert answer.temporary_bytes <= spec.memory_budget
    if isinstance(spec, Extraction):
        assert answer.argument_bytes > 10**8


@pytest.mark.parametrize("name", ["v5e-4", "h100"])
def test_the_bytes_of_a_plan_are_those_of_the_compiler(name, monkeypatch, tmp_path):
    """A plan's answers come from processes that have compiled other programs; here each is compiled on its own."""
    target = read_target(name)
    skip_without(target.device)
    if jax.default_backend() != "cpu":
        pytest.skip("needs JAX_PLATFORMS=cpu: a process that has a device compiles for it")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    work = planted.paper("bigscience/bloomz-1b7")._replace(languages=3, concepts=400, candidates=400)
    plan = suite.plans_of([suite.Asked(work, target, Config(suite="plan", target=name))])[0]
    extraction = choose.program(work, target, work.embeddings[0], 1, plan.choice.batch_tokens)
    for spec, found in ((extraction, plan.choice.compiled), (suite.ranking_of(work, target), plan.ranking)):
        _, build = programs.BUILDERS[type(spec).__name__]
        memory = build(spec).compile().memory_analysis()
        own = (memory.argument_size_in_bytes, memory.temp_size_in_bytes, memory.output_size_in_bytes)
        assert (found.argument_bytes, found.temporary_bytes, found.output_bytes) == own
        assert found.code_bytes == memory.generated_code_size_in_bytes
