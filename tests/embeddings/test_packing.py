"""A batch must say exactly which tokens each pooled vector sees, whatever the width."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxalign.embeddings import batches, packing, tokenize
from jaxalign.types import InputError

POOLINGS = ("first", "last", "mean")
rows_strategy = st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=7), min_size=1, max_size=40)


def seen_tokens(batch, row, slot):
    """Tokens and positions that a slot sees."""
    seen = (batch.seen_from[row] <= slot) & (slot < batch.seen_to[row])
    at = row * batch.tokens.shape[1] + np.flatnonzero(seen)
    if batch.before is not None:
        earlier = batch.before[row][slot < batch.before_to[row]]
        assert (earlier > 0).all()
        at = np.append(row * batch.tokens.shape[1] - earlier, at)
    return batch.tokens.ravel()[at], batch.positions.ravel()[at]


def batch_vectors(plan, embed_token, rows_a_batch):
    """Every pooled vector, computed from the batch alone: a slot's state is the ordered sum of what it sees."""
    vectors = []
    for first in range(0, plan.rows, rows_a_batch):
        batch = batches.batch(plan, first, rows_a_batch)
        states = np.zeros((rows_a_batch, plan.width))
        for row, slot in np.ndindex(states.shape):
            ids, positions = seen_tokens(batch, row, slot)
            states[row, slot] = sum(embed_token(i, p) for i, p in zip(ids, positions, strict=True)) + slot_own(
                batch, row, slot
            )
        pooled = np.einsum("rps,rs->rp", batch.pool, states)
        vectors.append(pooled[batches.used_vectors(plan, first, rows_a_batch)])
    return np.concatenate(vectors)


def slot_own(batch, row, slot):
    return 1000.0 * batch.tokens[row, slot] + 0.1 * batch.positions[row, slot]


def expected(row, pooling, causal, embed_token):
    states = []
    for at in range(len(row)):
        seen = range(at + 1) if causal else range(len(row))
        states.append(sum(embed_token(row[i], i) for i in seen) + 1000.0 * row[at] + 0.1 * at)
    return {"first": states[0], "last": states[-1], "mean": np.mean(states)}[pooling]


@settings(max_examples=60, deadline=None)
@given(rows_strategy, st.booleans(), st.sampled_from([None, 8, 16]), st.integers(1, 4))
def test_vectors_see_their_own_text_and_nothing_else(rows, causal, width, rows_a_batch):
    def embed_token(token, position):
        return float(7 ** (token + 1)) / 2 ** (position + 1)

    part = tokenize.from_rows(rows)
    requests = [packing.Request(part, pooling) for pooling in POOLINGS]
    plan = packing.forest(requests, causal=causal, special_tokens="include", rows=width and packing.Rows(width))
    vectors = batch_vectors(plan, embed_token, rows_a_batch)
    for where, pooling in zip(plan.where, POOLINGS, strict=True):
        want = [expected(row, pooling, causal, embed_token) for row in rows]
        np.testing.assert_allclose(vectors[where], want, rtol=1e-5)


@settings(max_examples=60, deadline=None)
@given(rows_strategy, st.integers(1, 9), st.integers(7, 12), st.integers(1, 3))
def test_rows_of_a_window_see_the_path_before_them(rows, width, window_rows, windows_a_batch):
    def embed_token(token, position):
        return float(7 ** (token + 1)) / 2 ** (position + 1)

    requests = [packing.Request(tokenize.from_rows(rows), "last")]
    shape = packing.Rows(width, window_rows)
    plan = packing.forest(requests, causal=True, special_tokens="include", rows=shape)
    assert plan.rows % window_rows == 0 and (plan.width, plan.window_rows) == shape
    vectors = batch_vectors(plan, embed_token, windows_a_batch * window_rows)
    want = [expected(row, "last", True, embed_token) for row in rows]
    np.testing.assert_allclose(vectors[plan.where[0]], want, rtol=1e-5)


def test_windows_are_for_last_tokens_of_many_texts():
    draw = np.random.default_rng(0)
    texts = [[1, 2, 3, 4, 5, 6, *draw.integers(0, 500, draw.integers(1, 6)).tolist(), 7, 8] for _ in range(3000)]
    part = tokenize.from_rows(texts)

    def rows(pooling, texts=part, **options):
        plan = packing.forest([packing.Request(texts, pooling)], causal=True, special_tokens="include", **options)
        return plan.window_rows, plan.rows * plan.width

    together, alone = rows("last", window_slots=1024), rows("last")
    assert together[0] == 16 and alone[0] == 1 and together[1] < alone[1]
    assert rows("mean", window_slots=1024) == rows("mean") and rows("mean")[0] == 1
    assert rows("last", window_slots=64)[0] == 1
    assert rows("last", tokenize.from_rows(texts[:20]), window_slots=1024)[0] <= 4


@settings(max_examples=40, deadline=None)
@given(rows_strategy)
def test_each_distinct_prefix_once(rows):
    prefixes = {tuple(row[: n + 1]) for row in rows for n in range(len(row))}
    part = tokenize.from_rows(rows)
    plan = packing.forest([packing.Request(part, "last")], causal=True, rows=packing.Rows(512))
    assert plan.rows == 1 and plan.computed == len(prefixes)
    assert plan.given == sum(map(len, rows))
    batch = batches.batch(plan, 0, 1)
    in_use = int((batch.seen_to[0] > np.arange(512)).sum())
    assert in_use == 512  # unused slots see themselves: no row of the softmax is empty


def test_encoder_rows_are_almost_full():
    rng = np.random.default_rng(0)
    rows = [rng.integers(0, 1000, n).tolist() for n in rng.integers(1, 20, 3000)]
    plan = packing.forest([packing.Request(tokenize.from_rows(rows), "mean")], causal=False)
    assert plan.computed <= plan.rows * plan.width <= 1.02 * plan.computed + plan.width


def test_special_tokens_in_the_mean():
    part = tokenize.from_rows([[9, 1, 2]])._replace(inner_from=np.array([1], np.int32))
    for causal, special, kept in [
        (True, "auto", 2), (True, "include", 3), (True, "exclude", 2),
        (False, "auto", 3), (False, "include", 3), (False, "exclude", 2),
    ]:  # fmt: skip
        plan = packing.forest([packing.Request(part, "mean")], causal=causal, special_tokens=special)
        assert (batches.batch(plan, 0, 1).pool[0, 0] > 0).sum() == kept


def test_wrong_choices_are_input_errors():
    part = tokenize.from_rows([[1, 2]])
    with pytest.raises(InputError, match="--pooling"):
        packing.forest([packing.Request(part, "middle")], causal=True)
    with pytest.raises(InputError, match="--special_tokens"):
        packing.forest([packing.Request(part, "mean")], causal=True, special_tokens="some")
    with pytest.raises(InputError, match="one token or more"):
        tokenize.from_rows([[1], []])
