"""Every program of a run through the real compilers of TPUs and GPUs, without the devices.

    pip install 'jax[tpu]' (or 'jax[cuda13]'), then: python -m pytest -n 0 -m compilers

Each program compiles in a process of its own, fits the device's memory, and holds no decomposition. The programs, at
the sizes of the paper, are those of the table that `benchmarks.compile_times` prints.
"""

import functools

import pytest

from benchmarks import compile_times
from jaxalign.experiment.plan import programs
from jaxalign.experiment.plan.programs import Extraction, Probe, Ranking
from jaxalign.runtime.targets import read_target

pytestmark = pytest.mark.compilers


@functools.cache
def missing(platform: str) -> str:
    return programs.compile_cached(Probe("v5e-1" if platform == "tpu" else "h100")).error


@pytest.mark.parametrize("spec", [pytest.param(one.spec, id=f"{one.spec.target} {one.name}")
                                  for one in compile_times.PROGRAMS])  # fmt: skip
def test_a_program_compiles_and_fits(spec):
    device = read_target(spec.target).device
    extra = "tpu" if device.platform == "tpu" else "cuda13"
    if missing(device.platform):
        pytest.skip(f"needs the compiler for {spec.target}: pip install 'jaxalign[{extra}]'")
    answer = programs.compile_cached(spec)
    assert not answer.error, answer.error
    assert answer.bytes < device.memory_bytes and answer.argument_bytes > 10**6
    assert not answer.decompositions
    if isinstance(spec, Ranking):  # batches of pairs keep to the budget
        assert answer.temporary_bytes <= spec.memory_budget
    if isinstance(spec, Extraction):
        assert answer.argument_bytes > 10**8
