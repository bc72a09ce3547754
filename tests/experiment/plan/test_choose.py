"""Weights per device, and the settings that fit, with a compiler that answers as planted."""

import pytest

from jaxalign.experiment.plan import choose, programs
from jaxalign.experiment.plan.programs import Compiled
from jaxalign.runtime.targets import read_target
from jaxalign.types import InputError
from tests.experiment.plan import planted

# Parameters as published with the weights; those of Llama without the head (vocabulary x features), which is not used.
PUBLISHED = {
    "meta-llama/Llama-2-7b-chat-hf": 6_738_415_616 - 32_000 * 4096,
    "meta-llama/Llama-2-13b-chat-hf": 13_015_864_320 - 32_000 * 5120,
    "meta-llama/Llama-2-70b-chat-hf": 68_976_648_192 - 32_000 * 8192,
    "bigscience/bloomz-1b7": 1_722_408_960,
    "bigscience/bloomz-3b": 3_002_557_440,
    "bigscience/bloomz-7b1": 7_069_016_064,
    # The encoder: embeddings, 24 blocks of four maps and a gated MLP with two norms, 32 buckets of 64 heads, one norm.
    "bigscience/mt0-xxl": 250_112 * 4096 + 24 * (4 * 4096**2 + 3 * 4096 * 10240 + 2 * 4096) + 32 * 64 + 4096,
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_weights_are_those_of_the_published_model(name):
    assert choose.weight_bytes(planted.paper(name).config, 1) == 2 * PUBLISHED[name]


def test_weights_of_a_share_by_hand():
    """Maps are split in two, norms are whole; the table of 10 embeddings is split by features."""
    norms = 3 * 2 * 8 + 8
    maps = 3 * (planted.BLOCK - 2 * 8) + 10 * 8
    config = planted.work_of().config
    assert choose.weight_bytes(config, 1) == 4 * (maps + norms)
    assert choose.weight_bytes(config, 2) == 4 * (maps // 2 + norms)


def test_heads_stay_whole():
    assert choose.possible(planted.paper("meta-llama/Llama-2-7b-chat-hf").config, read_target("v5e-8")) == [1, 2, 4, 8]
    assert choose.possible(planted.paper("bigscience/bloomz-1b7").config, read_target("v5e-32")) == [1, 2, 4, 8, 16]


@pytest.fixture
def asked(monkeypatch):
    """Compiler of programs with a gigabyte per 1024 slots of each copy; keeps what it was asked."""
    specs = []

    def answer(spec):
        specs.append(spec)
        cells = spec.rows * spec.width
        return Compiled(argument_bytes=2 * 10**9, temporary_bytes=cells * 10**9 // 1024)

    monkeypatch.setattr(programs, "compile_cached", answer)
    return specs


def test_the_batch_is_the_largest_that_fits(asked):
    choice = choose.settings(planted.work_of(texts=60_000), read_target("v5e-4"))  # 14.4 of 16 GB can be used
    assert (choice.model_parallel, choice.batch_tokens) == (1, 8192)
    assert [spec.rows * spec.width for spec in asked] == [16384, 8192]
    assert choice.compiled.bytes == 10 * 10**9


def test_given_settings_are_kept_or_refused(asked):
    work = planted.work_of(texts=60_000)
    kept = choose.settings(work, read_target("v5e-4"), model_parallel=2, batch_tokens=2048)
    assert (kept.model_parallel, kept.batch_tokens) == (2, 2048)
    with pytest.raises(InputError, match="--batch_tokens=16384"):
        choose.settings(work, read_target("v5e-4"), batch_tokens=16384)


def test_every_embedding_is_compiled_where_memory_is_short(asked):
    work = planted.work_of(texts=60_000)
    twice = work._replace(embeddings=work.embeddings * 2)
    choose.settings(twice, read_target("v5e-4"), batch_tokens=8192)  # 10 of 14.4 GB: the others are like it
    assert len(asked) == 1
    choose.settings(twice, read_target("v5e-4"), batch_tokens=10240)  # 12 of 14.4 GB
    assert len(asked) == 3


def test_a_program_that_does_not_compile_is_an_error(monkeypatch):
    monkeypatch.setattr(programs, "compile_cached", lambda spec: Compiled(error="TypeError: no such thing"))
    with pytest.raises(InputError, match="no such thing"):
        choose.settings(planted.work_of(), read_target("v5e-4"))


def test_what_does_not_fit_is_refused_with_the_nearest_that_does():
    big = planted.paper("meta-llama/Llama-2-70b-chat-hf")
    with pytest.raises(InputError, match=r"137\.4 GB.*v5e-8.*--target=v5e-16 --model_parallel=16"):
        choose.settings(big, read_target("v5e-8"))
    with pytest.raises(InputError, match="--target=h100-4 --model_parallel=4"):
        choose.settings(big, read_target("h100"), model_parallel=8)
    with pytest.raises(InputError, match="nearest is --model_parallel=2"):
        choose.settings(big, read_target("h100-2"), model_parallel=3)


def test_what_holds_the_weights_is_known_before_anything_is_compiled(asked):
    work, target = planted.paper("meta-llama/Llama-2-13b-chat-hf"), read_target("v5e-8")
    assert choose.shares(work, target) == [4, 8]  # 26 GB: two devices hold it, without room for a batch
    assert choose.shares(work, target, 2) == [2]
    with pytest.raises(InputError, match="--target=v5e-16"):
        choose.shares(planted.paper("meta-llama/Llama-2-70b-chat-hf"), target)
    assert not asked
