"""What the kernels suite counts and writes; the figures themselves are not judged."""

import json

import pytest

from jaxalign.experiment.throughput import align
from jaxalign.experiment.throughput.align import KernelOptions

STEPS = ["all", "fit", "similarity", "penalties", "count", "pair", "vocabulary"]


@pytest.mark.slow
def test_rows_of_all_pairs_and_of_each_step_and_the_roofline_are_written(tmp_path):
    sizes = [(30, 40, 16), (10, 40, 16)]
    rows = align.run(KernelOptions(sizes, languages=3, repeats=2), tmp_path)
    written = [json.loads(line) for line in (tmp_path / "kernels.jsonl").read_text().splitlines()]
    assert written == rows
    assert [row["stage"] for row in rows] == 2 * STEPS
    assert [(row["train"], row["test"], row["features"]) for row in rows[:: len(STEPS)]] == sizes
    assert (tmp_path / "figures" / "roofline.png").read_bytes()[1:4] == b"PNG"
    for row in rows:
        assert row["seconds_low"] <= row["seconds"] <= row["seconds_high"]
        assert row["peak_share"] == pytest.approx(row["gflops_per_second"] / row["peak_gflops_per_second"])
    ordered = {"all": 3 * 2 * 2, "vocabulary": 1}
    for row in rows:
        assert row["pairs_per_second"] == pytest.approx(ordered.get(row["stage"], 2) / row["seconds"])
    pair = rows[STEPS.index("pair")]
    assert rows[0]["compile_seconds"] > 0 and pair["compile_seconds"] > 0
    assert pair["flops"] == 2 * 48 * 48 * 16  # 40 candidates are padded to 48 rows


def work(train, test, features, languages, settings):
    return align.least_work(KernelOptions([], languages=languages, settings=settings), train, test, features)


def test_work_of_one_pair_counts_each_product_once():
    one = work(100, 50, 20, 2, ("before",))
    assert one.flops == 2 * 50 * 50 * 20
    fitted = work(100, 50, 20, 2, ("after",))
    assert fitted.flops == 2 * 50 * 50 * 20 + 2 * 20 * 20 * 100 + 2 * (2 * 50 * 20 * 20)
    thin = work(10, 50, 20, 2, ("after",))
    assert thin.flops == 2 * 50 * 50 * 10 + 2 * 10 * 10 * 10 + 2 * (2 * 50 * 20 * 10)
    seven = work(100, 50, 20, 7, ("before",))
    assert seven.flops == 21 * one.flops and seven.bytes == 21 * one.bytes
