"""A whole run's figures do not depend on the number of devices or on the order of the languages."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from jaxalign.report import read_rows

ROOT = Path(__file__).resolve().parents[2]
FLAGS = ["--flagfile=benchmarks/quickstart.flags", "--embeddings=vanilla", "--controls=gpa", "--bootstrap=0",
         "--retrieval=csls", "--settings=before,after,null,ceiling_null"]  # fmt: skip
LANGUAGES = ("en", "fr", "fi")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A function that runs for some languages on some devices, once, and returns the run's folder."""
    root = tmp_path_factory.mktemp("runs")

    def make(languages=LANGUAGES, devices=1):
        workdir = root / f"{'-'.join(languages)}-{devices}"
        if not workdir.exists():
            environment = {**os.environ, "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}"}
            subprocess.run(
                [sys.executable, "-m", "jaxalign.bench", *FLAGS, f"--workdir={workdir}",
                 f"--languages={','.join(languages)}"],
                env=environment, cwd=ROOT, check=True, timeout=500, capture_output=True,
            )  # fmt: skip
        return workdir / "run-0001"

    return make


def figures(folder: Path) -> dict[str, dict]:
    """What a row is about -> the row."""
    rows = read_rows(folder)
    measured = ("value", "low", "high", "count")
    found = {json.dumps([row[name] for name in sorted(row) if name not in measured]): row for row in rows}
    assert len(found) == len(rows)
    return found


@pytest.mark.slow
def test_the_order_of_the_languages_changes_no_figure(run):
    turned = ("fi", "en", "fr")
    want, found = figures(run()), figures(run(turned))
    assert want.keys() == found.keys()
    for about, row in want.items():
        same = found[about]
        if "mean" in (row["source"], row["target"]):  # a mean in another order rounds otherwise
            assert same["value"] == pytest.approx(row["value"], rel=1e-7, abs=1e-9)
        else:
            assert same == row
    places = [turned.index(code) for code in LANGUAGES]
    with np.load(run() / "ranks.npz") as one, np.load(run(turned) / "ranks.npz") as other:
        assert len(one.files) == 5
        for name in one.files:
            assert (one[name] == other[name][np.ix_(places, places)]).all(), name


@pytest.mark.slow
def test_eight_devices_give_the_ranks_of_one(run):
    with np.load(run() / "ranks.npz") as one, np.load(run(devices=8) / "ranks.npz") as eight:
        assert one.files == eight.files
        for name in one.files:
            apart = one[name] != eight[name]
            if "|gpa|" in name:  # fifty rounds carry rounding on into its map, 5e-6 of an entry
                assert apart.mean() < 0.01 and abs(one[name] - eight[name]).max() <= 1
            else:
                assert not apart.any(), name
    want, found = figures(run()), figures(run(devices=8))
    assert want.keys() == found.keys()
    assert all(found[about] == row for about, row in want.items() if row["setting"] != "gpa")
