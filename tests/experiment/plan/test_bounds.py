"""Bounds and choices from shapes alone: no compiler is asked."""

import pytest

from jaxalign import models
from jaxalign.config import Config
from jaxalign.experiment.plan import bounds, choose, work
from jaxalign.runtime.targets import read_target
from jaxalign.types import InputError


def work_of(name="meta-llama/Llama-2-7b-chat-hf"):
    raw = work.packaged()[name]
    return work.Work(name, raw, models.read_config(raw, "bfloat16"), 4397, 3000, 7, 61_558, 900_000, 450_000, 32, 8, ())


def test_the_papers_ten_models_are_packaged():
    assert len(work.packaged()) == 10
    for raw in work.packaged().values():
        assert models.read_config(raw, "bfloat16").num_layers > 20


def test_llama_7b_has_the_published_number_of_parameters():
    one = work_of()
    blocks = 32 * (
        4 * 4096**2 + 3 * 4096 * 11008 + 2 * 4096
    )  # queries, keys, values, output; gate, up, down; two norms
    assert bounds.block_parameters(one.config) == blocks
    assert choose.weight_bytes(one.config, 1) == 2 * (blocks + 32000 * 4096 + 4096)


def test_the_bound_of_extraction_is_its_formula():
    one, target = work_of(), read_target("h100")
    bound = bounds.extraction(one, target, 16384, 1)
    blocks = bounds.block_parameters(one.config)
    flops = 450_000 * (2 * blocks + 4 * 32 * 4096 * 32)
    assert bound.flops == flops and bound.compute_seconds == pytest.approx(flops / 989e12)
    assert bound.memory_seconds == pytest.approx((28 * 2 * blocks + 61_558 * 4096 * 4) / 3350e9)
    assert bound.seconds == max(bound.compute_seconds, bound.memory_seconds)
    eight = bounds.extraction(one, read_target("v5e-8"), 8 * 16384, 1)
    assert eight.compute_seconds == pytest.approx(flops / 8 / 197e12)


def test_heads_stay_whole():
    assert choose.possible(work_of().config, read_target("v5e-8")) == [1, 2, 4, 8]
    assert choose.possible(work_of("bigscience/bloomz-1b7").config, read_target("v5e-32")) == [1, 2, 4, 8, 16]


def test_what_does_not_fit_is_refused_with_the_nearest_that_does():
    big = work_of("meta-llama/Llama-2-70b-chat-hf")
    with pytest.raises(InputError, match="--target=v5e-16 --model_parallel=16"):
        choose.settings(big, read_target("v5e-8"))
    with pytest.raises(InputError, match="nearest is --model_parallel=2"):
        choose.settings(big, read_target("h100-2"), model_parallel=3)


def test_a_plan_needs_only_config_and_tokenizer(tmp_path):
    """The demo's folder without its weights gives the same work as with them."""
    import shutil

    from jaxalign.models import demo_path

    for path in demo_path().iterdir():
        if path.suffix != ".safetensors" and path.is_file():
            shutil.copy(path, tmp_path)
    config = Config(languages=("en", "fr"))
    bare, whole = (work.of_model(name, config) for name in (str(tmp_path), "demo"))
    assert bare[1:] == whole[1:] and bare.tokens_computed < bare.tokens_given and bare.texts == 4 * 488


def test_a_model_nobody_has_is_refused(tmp_path):
    with pytest.raises(InputError, match="Put config.json"):
        work.of_model("nobody/nothing", Config())
