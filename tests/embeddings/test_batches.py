"""The arrays of a batch: unused slots, slots and numbers of the pooled vectors."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxalign.embeddings import batches, packing, tokenize
from jaxalign.models import Config

rows_strategy = st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=7), min_size=1, max_size=40)


def test_unused_slots_and_rows_see_only_themselves():
    plan = packing.forest([packing.Request(tokenize.from_rows([[1, 2]]), "mean")], causal=True, rows=packing.Rows(8))
    batch = batches.batch(plan, 0, 3)
    at = np.arange(8)
    assert (batch.seen_from[1:] == at).all() and (batch.seen_to[1:] == at + 1).all()
    assert (batch.pool[1:] == 0).all() and batch.pool[0, 0].tolist() == [0.5, 0.5, 0, 0, 0, 0, 0, 0]


def test_vector_slots_name_the_pooled_slot():
    part = tokenize.from_rows([[1, 2], [1, 2, 3], [4]])
    plan = packing.forest([packing.Request(part, "last")], causal=True)
    pool = batches.batch(plan, 0, 1).pool
    slots = batches.vector_slots(plan, pool)
    assert slots is not None and slots[0, :3].tolist() == [1, 2, 3]
    both = packing.forest([packing.Request(part, "last"), packing.Request(part, "mean")], causal=True)
    assert batches.vector_slots(both, pool) is None


@settings(max_examples=40, deadline=None)
@given(rows_strategy, st.sampled_from([1, 2, 3]), st.integers(1, 3))
def test_used_numbers_are_the_used_ones_of_each_copy(rows, copies, share):
    plan = packing.forest([packing.Request(tokenize.from_rows(rows), "mean")], causal=True, rows=packing.Rows(16))
    count, found = batches.most_vectors(plan, share), 0
    for first in range(0, plan.rows, copies * share):
        used = batches.used_vectors(plan, first, copies * share).reshape(copies, -1)
        taken = batches.used_numbers(plan, first, copies * share, copies, count)
        for numbers, mask in zip(taken, used, strict=True):
            assert (numbers[: mask.sum()] == np.flatnonzero(mask)).all() and not numbers[mask.sum() :].any()
        found += used.sum()
    assert found == len(plan.vector_text)


def test_a_cpu_takes_larger_batches_for_many_experts():
    """256 tokens for each expert, of 1,024 slots at least and 4,096 at most; accelerators have their own size."""
    shape = dict(family="llama", vocab=9, width=8, num_layers=1, heads=1, kv_heads=1, head_dim=8, mlp_width=8, eps=1e-5,
                 max_length=64)  # fmt: skip
    cases = {(0, 0): 1024, (8, 2): 1024, (32, 4): 2048, (128, 8): 4096, (512, 4): 4096}
    for (experts, chosen), slots in cases.items():
        config = Config(**shape, experts=experts, experts_per_token=chosen)
        assert batches.usual_tokens(config, "cpu") == slots
        assert batches.usual_tokens(config, "gpu") == batches.BATCH_TOKENS["gpu"]
