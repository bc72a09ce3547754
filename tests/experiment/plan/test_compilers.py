"""Every program of a run through the real compilers of TPUs and GPUs, without the devices.

    pip install 'jax[tpu]' (or 'jax[cuda13]'), then: python -m pytest -n 0 -m compilers

Each program compiles in a process of its own, fits the device's memory, and holds no decomposition.
"""

import functools

import pytest

from jaxalign.experiment.plan import programs, work
from jaxalign.experiment.plan.programs import Extraction, Ranking
from jaxalign.runtime.targets import read_target

pytestmark = pytest.mark.compilers
TARGETS = ("v5e-1", "v5e-4", "v6e-8", "h100")


@functools.cache
def missing(target: str) -> str:
    return programs.compile_cached(programs.Probe(target)).error


def compiled(spec) -> programs.Compiled:
    device = read_target(spec.target).device
    extra = "tpu" if device.platform == "tpu" else "cuda13"
    if missing(spec.target):
        pytest.skip(f"needs the compiler for {spec.target}: pip install 'jaxalign[{extra}]'")
    answer = programs.compile_cached(spec)
    assert not answer.error, answer.error
    assert answer.bytes < device.memory_bytes
    return answer


@pytest.mark.parametrize(
    ("target", "name", "parts"),
    [("v6e-1", "bigscience/bloomz-1b7", 1), ("v5e-4", "meta-llama/Llama-2-7b-chat-hf", 4),
     ("v6e-8", "bigscience/mt0-large", 1), ("h100", "meta-llama/Llama-2-7b-chat-hf", 1),
     ("h100", "bigscience/mt0-xl", 1)],
)  # fmt: skip
def test_extraction(target, name, parts):
    raw = work.packaged()[name]
    layers = (raw.get("num_hidden_layers") or raw.get("n_layer") or raw["num_layers"],)
    answer = compiled(Extraction(target, raw, "bfloat16", parts, 128, 64, 16, 2048, layers))
    assert answer.argument_bytes > 10**8 and not answer.decompositions


@pytest.mark.parametrize("target", ["v6e-1", "h100"])
def test_first_step_of_a_decoder(target):
    raw = work.packaged()["bigscience/mt0-large"]
    compiled(Extraction(target, raw, "bfloat16", 1, 128, 64, 16, 2048, (raw["num_decoder_layers"],), True))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("features", [1024, 4096])
def test_ranking_at_the_size_of_the_paper(target, features):
    answer = compiled(Ranking(target, 7, 4397, 3000, features, 2, "csls", "drop", "highest", 4 << 30))
    assert not answer.decompositions


@pytest.mark.parametrize("target", ["v5e-1", "h100"])
@pytest.mark.parametrize(
    ("retrieval", "completion", "precision"),
    [("nn", "drop", "highest"), ("isf", "drop", "highest"), ("csls", "identity", "highest"), ("csls", "drop", "fast")],
)
def test_every_retrieval_completion_and_precision(target, retrieval, completion, precision):
    answer = compiled(Ranking(target, 3, 2000, 1000, 640, 1, retrieval, completion, precision, 4 << 30))
    assert not answer.decompositions
