"""The table and the comparison of throughput rows, against numbers worked out by hand."""

import json

import pytest

from jaxalign.experiment.throughput import table
from jaxalign.types import InputError

KERNEL = {"schema": 2,
    "stage": "all", "train": 1000, "test": 2000, "features": 256, "languages": 7, "candidates": "test",
    "settings": "before,after", "dtype": "float32", "precision": "highest", "seconds": 0.5, "seconds_low": 0.4,
    "seconds_high": 0.6, "pairs_per_second": 168.0, "gflops_per_second": 80.0, "peak_share": 0.4, "bytes_moved": 2e9,
    "copy_bytes_per_second": 16e9, "host_bytes": 3 << 30, "compile_seconds": 1.25,
}  # fmt: skip
EMBED = {"schema": 2,
    "model": "tiny", "embedding": "vanilla", "pooling": "last", "layers": "all", "texts": 2000, "dtype": "float32",
    "seconds": 4.0, "seconds_low": 3.9, "seconds_high": 4.4, "texts_per_second": 500.0, "gflops_per_second": 12.5,
    "peak_share": 0.25, "host_bytes": 1 << 30, "compile_seconds": 0.5,
}  # fmt: skip


def test_a_row_shows_time_rate_shares_memory_and_compilation():
    head, kernel = table.table([KERNEL]).splitlines()
    assert head.split("  ")[0] == "stage" and head.endswith("compile s")
    assert kernel.split() == (
        "all 1000x2000x256 500.0 (400.0-600.0) 168 pairs/s 80.0 40 % 4.0 25 % 3.00 GiB 1.25".split()
    )
    embed = table.table([EMBED]).splitlines()[1]
    assert embed.split() == (
        "tiny vanilla 2,000 texts, all 4,000.0 (3,900.0-4,400.0) 500 texts/s 12.5 25 % - - 1.00 GiB 0.50".split()
    )


def test_ratios_stand_beside_the_row_that_measured_the_same():
    slower = KERNEL | {"seconds": 1.0, "seconds_low": 0.7, "seconds_high": 1.2}
    other = KERNEL | {"test": 3000, "seconds": 9.0}
    (row,) = table.comparison([KERNEL, EMBED], [other, slower])
    assert row["times_as_fast"] == pytest.approx(2) and row["apart"]
    assert (row["low"], row["high"]) == (pytest.approx(0.7 / 0.6), pytest.approx(1.2 / 0.4))
    assert table.comparison_table([row]).splitlines()[1].endswith("*")
    (row,) = table.comparison([KERNEL], [slower | {"seconds_low": 0.55}])
    assert not row["apart"] and not table.comparison_table([row]).splitlines()[1].endswith("*")


def test_a_run_that_cannot_be_compared_is_named(tmp_path):
    with pytest.raises(InputError, match="none in common"):
        table.comparison([KERNEL], [EMBED])
    with pytest.raises(InputError, match="--compare with the folder of a finished run of --suite=kernels"):
        table.read(tmp_path, "kernels")
    (tmp_path / "kernels.jsonl").write_text(json.dumps({"stage": "all"}))
    with pytest.raises(InputError, match="--compare"):
        table.read(tmp_path, "kernels")
    (tmp_path / "kernels.jsonl").write_text(json.dumps(KERNEL) + "\n")
    assert table.read(tmp_path, "kernels") == [KERNEL]
