"""A plan as the user sees it: table, page and rows, with a compiler that answers as planted."""

import json
from pathlib import Path

import pytest

from jaxalign.config import Config
from jaxalign.experiment.plan import programs, suite
from jaxalign.experiment.plan.programs import Compiled, Extraction, Probe
from jaxalign.runtime import clock
from jaxalign.types import InputError
from tests.tiny import write_model

ANSWERS = {Extraction: Compiled(20.0, 3 * 10**9, 10**9, 10**8), Probe: Compiled()}


@pytest.fixture(autouse=True)
def compiler(monkeypatch):
    ranking = Compiled(30.0, 2 * 10**9, 5 * 10**9, 10**6)
    monkeypatch.setattr(programs, "compile_cached", lambda spec: ANSWERS.get(type(spec), ranking))


def planned(tmp_path, *names):
    config = Config(
        suite="plan", target="v5e-8", models=names, languages=("en", "fr"), dtype="bfloat16", layers="last",
        settings=("before", "after", "ceiling"), workdir=str(tmp_path),
    )  # fmt: skip
    return suite.run(config, tmp_path, clock.Clock())


def test_a_plan_names_memory_work_and_time(tmp_path, capsys):
    tiny = str(write_model(Path(tmp_path) / "model"))
    summary = planned(tmp_path, tiny)
    (plan,) = summary["plans"]
    assert (plan["target"], plan["model_parallel"], plan["batch_tokens"]) == ("v5e-8", 1, 16384)
    assert (plan["arguments_gb"], plan["temporaries_gb"], plan["ranking_gb"]) == (3.0, 1.0, 7.001)
    assert plan["compile_seconds"] == 50 and plan["dtype"] == "bfloat16"
    assert plan["least_device_hours"] == pytest.approx(plan["least_seconds"] * 8 / 3600)
    rows = [json.loads(line) for line in (tmp_path / "plan.jsonl").read_text().splitlines()]
    assert [row["stage"] for row in rows] == ["extraction", "alignment"]
    assert plan["least_seconds"] == pytest.approx(sum(row["stage_seconds"] for row in rows))
    shown = capsys.readouterr().out
    assert "bounds by the published peaks, not promises" in shown and "819 GB/s" in shown
    assert (
        "not promises" not in (tmp_path / "plan.html").read_text() and "bounds" in (tmp_path / "plan.html").read_text()
    )


def test_what_does_not_fit_stands_beside_what_does(tmp_path, capsys):
    tiny = str(write_model(Path(tmp_path) / "model"))
    summary = planned(tmp_path, tiny, "meta-llama/Llama-2-70b-chat-hf")
    assert len(summary["plans"]) == 1 and "--target=v5e-16" in summary["refused"][0]
    assert "--target=v5e-16" in capsys.readouterr().out and "--target=v5e-16" in (tmp_path / "plan.html").read_text()


def test_a_plan_of_nothing_is_an_error(tmp_path):
    with pytest.raises(InputError, match="--target=v5e-16"):
        planned(tmp_path, "meta-llama/Llama-2-70b-chat-hf")


def test_rankings_that_do_not_fit_are_refused(tmp_path, monkeypatch):
    large = Compiled(1.0, 0, 15 * 10**9)
    monkeypatch.setattr(programs, "compile_cached", lambda spec: ANSWERS.get(type(spec), large))
    with pytest.raises(InputError, match="Lower --memory_budget"):
        planned(tmp_path, str(write_model(Path(tmp_path) / "model")))
