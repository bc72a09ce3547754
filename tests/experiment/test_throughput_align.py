"""What the kernels suite counts and writes; the figures themselves are not judged."""

import json

import jax
import numpy as np
import pytest

from jaxalign.experiment import throughput_align


def test_rows_and_roofline_are_written(tmp_path):
    sizes = [(30, 40, 16), (10, 40, 16)]
    rows = throughput_align.run(throughput_align.KernelOptions(sizes, languages=3, repeats=2), tmp_path)
    written = [json.loads(line) for line in (tmp_path / "kernels.jsonl").read_text().splitlines()]
    assert written == rows
    everything, alone = rows[::2], rows[1::2]
    assert [(row["train"], row["test"], row["features"]) for row in everything] == sizes
    assert {row["stage"] for row in alone} == {"similarity"}
    assert (tmp_path / "figures" / "roofline.png").read_bytes()[1:4] == b"PNG"
    for row in rows:
        assert row["seconds_low"] <= row["seconds"] <= row["seconds_high"]
        assert row["peak_share"] == pytest.approx(row["gflops_per_second"] / row["peak_gflops_per_second"])
        ordered = 3 * 2 * 2 if row["stage"] == "all" else 2
        assert row["pairs_per_second"] == pytest.approx(ordered / row["seconds"])
    assert rows[0]["compile_seconds"] > 0 and alone[0]["compile_seconds"] > 0
    assert alone[0]["flops"] == 2 * 40 * 40 * 16


def test_a_similarity_beyond_the_budget_is_not_kept():
    whole = throughput_align.similarity_stage(400, 8, 4 << 30, 1)
    tiled = throughput_align.similarity_stage(1200, 8, 1 << 20, 1)
    assert whole["similarity_kept"] and not tiled["similarity_kept"]


def test_compilation_stands_apart_from_warm_calls():
    calls, double = [], jax.jit(lambda vector: 2 * vector)

    def call():
        calls.append(double(np.ones(3, np.float32)).block_until_ready())

    measured = throughput_align.timed(call, 3)
    assert len(calls) == 1 + measured["calls"] == 4
    assert 0 < measured["compile_seconds"] <= measured["first_call_seconds"]


def test_work_of_one_pair_counts_each_product_once():
    one = throughput_align.least_work(100, 50, 20, 2, ("before",))
    assert one.flops == 2 * 50 * 50 * 20
    fitted = throughput_align.least_work(100, 50, 20, 2, ("after",))
    assert fitted.flops == 2 * 50 * 50 * 20 + 2 * 20 * 20 * 100 + 2 * (2 * 50 * 20 * 20)
    thin = throughput_align.least_work(10, 50, 20, 2, ("after",))
    assert thin.flops == 2 * 50 * 50 * 10 + 2 * 10 * 10 * 10 + 2 * (2 * 50 * 20 * 10)
    seven = throughput_align.least_work(100, 50, 20, 7, ("before",))
    assert seven.flops == 21 * one.flops and seven.bytes == 21 * one.bytes


def test_spaces_share_concepts_that_a_map_recovers():
    from jaxalign.evaluation import pairs

    spaces = throughput_align.planted(300, 16, 2, 0)
    ranks = pairs.rank(spaces, seed=np.arange(200), test=np.arange(200, 300), settings=("before", "after"))
    right = {setting: (found[0, 1] == 1).mean() for setting, found in ranks.items()}
    assert right["after"] > 0.3 > right["before"]
