"""Bounds against counts by hand."""

import pytest

from jaxalign.experiment.plan import bounds
from jaxalign.runtime.targets import read_target
from tests.experiment.plan import planted


def test_parameters_of_a_block_by_hand():
    assert bounds.block_parameters(planted.work_of().config) == 3 * planted.BLOCK == 3 * 592


def test_the_bound_of_extraction_by_hand():
    work, target = planted.work_of(), read_target("h100")
    bound = bounds.extraction(work, target, 64, 1)
    # 160 tokens in two blocks; in the third only the 40 tokens that are wanted. Attention: 4 x 16 slots x 8 features.
    assert bound.flops == (160 * 2 + 40) * (2 * 592 + 4 * 16 * 8)
    assert bound.bytes_moved == 3 * (3 * 592 * 4) + 40 * 8 * 4  # three batches of 64 slots read the weights
    assert bound.compute_seconds == pytest.approx(bound.flops / 67e12)
    assert bound.memory_seconds == pytest.approx(bound.bytes_moved / 3350e9)
    assert bound.seconds == max(bound.compute_seconds, bound.memory_seconds)


def test_more_experts_are_more_weights_to_read_and_no_more_work_but_for_the_router():
    mixture = planted.RAW | dict(model_type="qwen3_moe", num_experts_per_tok=2, moe_intermediate_size=12)
    target = read_target("h100")
    few, many = (
        bounds.extraction(planted.work_of(mixture | {"num_experts": count}), target, 64, 1) for count in (4, 8)
    )
    assert many.flops - few.flops == (160 * 2 + 40) * 2 * 4 * 8  # four more columns of the router, 8 features
    assert many.bytes_moved - few.bytes_moved == 3 * 3 * 4 * 4 * (3 * 8 * 12 + 8)  # batches, layers, experts, bytes


def test_copies_of_the_model_read_their_own_weights():
    work = planted.work_of(dtype="bfloat16", layers=(0, 3))
    bound = bounds.extraction(work, read_target("v5e-8"), 8 * 64, 8)
    assert bound.bytes_moved == 8 * (3 * 592 * 2) + 2 * 40 * 8 * 4
    assert bound.compute_seconds == pytest.approx(bound.flops / 8 / 197e12)
    assert bound.memory_seconds == pytest.approx(bound.bytes_moved / 8 / 819e9)


def test_the_bound_of_alignment_by_hand():
    bound = bounds.alignment(planted.work_of(), read_target("l4"))
    # 3 pairs; 20 candidates of 8 features: without a map; fitted on 6 rows, so of rank 6; on 20 rows, of rank 8.
    bare = 2 * 20 * 20 * 8
    six = 2 * 6 * 6 * 6 + 2 * 20 * 6 * 6 + 2 * 20 * 20 * 6
    twenty = 2 * 20 * 8 * 8 + 2 * 20 * 8 * 8 + 2 * 20 * 20 * 8
    assert bound.flops == 3 * (bare + six + twenty)
    assert bound.bytes_moved == 3 * 2 * 20 * (8 + 6 + 8) * 4
    assert bound.compute_seconds == pytest.approx(bound.flops / 30.3e12)
