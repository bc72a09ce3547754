"""The estimate of a run: right within a factor, growing with the work, and the dry run leaves nothing behind."""

import json
from dataclasses import replace

import numpy as np
import pytest

from jaxalign import bench
from jaxalign.config import Config
from jaxalign.experiment import alignment_suite, estimate
from jaxalign.models.checkpoint.hub import demo_path


@pytest.fixture(scope="module")
def asked():
    prepared = alignment_suite.prepare(Config(languages=("en", "fr", "fi"), bootstrap=0))
    return alignment_suite._asked(prepared)


def test_the_demo_within_a_sane_factor(asked):
    """Counts against their closed forms, not against a clock: the time of a test machine says nothing."""
    work = estimate.work_of(asked)
    model = json.loads((demo_path() / "config.json").read_text())
    width, depth = model["hidden_size"], model["num_hidden_layers"]
    texts = 2 * 3 * 488  # bare words and prompts
    assert 2 * 4 * width**2 * depth * texts < work.flops["embed"] < 2 * 40 * width**2 * depth * texts * 12
    # 2 spaces x 2 retrievals x 3 pairs: similarities of `before` and five fits of at most `width` dimensions.
    similarity = 2 * 2 * 3 * 5 * 2 * 488**2 * width
    assert similarity < work.flops["align"] < 4 * similarity
    seconds = estimate.estimate(work, 100.0)
    assert 5 < seconds.total < 60 and set(seconds.seconds) == {"load", "embed", "align", "score", "report"}
    rough = estimate.estimate(estimate.work_of(asked, counted=False), 100.0)
    assert 1 / 3 < rough.total / seconds.total < 3
    assert estimate.long_run(asked) is None


def test_more_work_takes_longer(asked):
    def seconds(**changes):
        changed = asked._replace(config=replace(asked.config, **changes))
        return estimate.estimate(estimate.work_of(changed), 100.0).seconds

    plain, layers, retrieval = seconds(), seconds(layers="all"), seconds(retrieval=("csls",))
    assert layers["align"] > plain["align"] > retrieval["align"] and layers["embed"] == plain["embed"]
    assert seconds(embeddings=("vanilla",))["embed"] < plain["embed"]
    assert seconds(settings=("before",))["score"] < plain["score"]
    slow = estimate.estimate(estimate.work_of(asked), 1.0).seconds
    assert np.isclose(slow["align"] - plain["align"], 0.99 * estimate.work_of(asked).flops["align"] / 1e9)


def test_products_of_the_models_dtype_count_for_extraction_alone(asked):
    work = estimate.work_of(asked)
    plain, halves = estimate.estimate(work, 1.0).seconds, estimate.estimate(work, 1.0, 2.0).seconds
    fixed = work.fixed["embed"]
    assert halves["embed"] - fixed == pytest.approx((plain["embed"] - fixed) / 2)
    assert {**halves, "embed": 0} == {**plain, "embed": 0}


def test_the_text_names_what_takes_a_share():
    assert estimate.Estimate({"load": 1.0, "embed": 180.0, "align": 300.0, "score": 60.0}).text == (
        "about 9 minutes: embed 3, align 5, score 1"
    )
    assert estimate.Estimate({"embed": 7.4, "align": 15.2}).text == "about 23 seconds: embed 7.4, align 15"
    assert estimate.Estimate({"embed": 9000.0}).text == "about 2.5 hours: embed 2.5"


def test_a_dry_run_prints_and_leaves_nothing(tmp_path, capsys):
    flags = ["--languages=en,fr", "--embeddings=vanilla", f"--workdir={tmp_path / 'w'}", "--dry_run"]
    assert bench.main(["bench", *flags]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("about ") and "estimate" in lines[0]
    said = json.loads(lines[-1])
    assert said["dry_run"] and set(said["estimate"]) >= {"embed", "align"} and not list(tmp_path.rglob("run-*"))
    assert bench.main(["bench", *flags, "--languages=en,xx"]) == 2
    (tmp_path / "file").write_text("")
    assert bench.main(["bench", *flags, f"--workdir={tmp_path / 'file'}", "--missing=drop"]) == 2
    said = capsys.readouterr().err
    assert "--workdir to be a folder" in said and "--missing=drop has no effect" in said
