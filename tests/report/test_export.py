"""Exports hold the run's figures in the forms that others read; each is checked against the published rules."""

import csv
import hashlib
import io
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest

from jaxalign import export
from jaxalign.report import files
from tests.planted import pick, study
from tests.report.runs import make


@pytest.fixture
def run(tmp_path):
    make(tmp_path / "run", model="lab/thing-1b")
    outcomes = study(languages=("en", "fr", "ja"), seed=4).ranks.tables
    ranks = {f"lab/thing-1b|vanilla|last|4|csls|{o.setting}|{o.seed_size}|0|0": o.rank for o in outcomes}
    np.savez(tmp_path / "run" / "ranks.npz", **ranks)
    return tmp_path / "run"


def test_csv_has_every_row(run, capsys):
    assert export.main([str(run), "--format=csv"]) == 0
    lines = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    rows = files.read_rows(run)
    assert [float(line["value"]) for line in lines] == [row["value"] for row in rows]
    assert [line["subset"] for line in lines] == [row["subset"] for row in rows]


def test_tables_for_a_paper_have_intervals_and_the_best_in_bold(tmp_path, capsys):
    rows = make(tmp_path / "run", model="lab/with_under")
    other = [
        row | dict(model="lab/best", value=min(1.0, row["value"] + 0.01)) for row in rows if row["setting"] == "after"
    ]
    files.write_results(tmp_path / "run", rows + other)
    (mean,) = pick(rows, setting="before", subset="all", metric="P@1", source="mean", target="mean")
    shown = f"{100 * mean['value']:.1f}"
    assert export.main([str(tmp_path / "run"), "--format=latex"]) == 0
    latex = capsys.readouterr().out
    assert r"with\_under" in latex and r"\toprule" in latex and r"\bottomrule" in latex
    assert latex.count(r"\textbf") == 2 and rf"\textbf{{{shown}}}" in latex  # one each in before and after
    line = next(line for line in latex.splitlines() if line.startswith("best"))
    assert r"\textbf" in line and f"[{100 * mean['low']:.1f}, {100 * mean['high']:.1f}]" in latex
    assert export.main([str(tmp_path / "run"), "--format=markdown", f"--out={tmp_path / 'table.md'}"]) == 0
    assert f"**{shown}** [" in (tmp_path / "table.md").read_text(encoding="utf-8")


def test_hugging_face_reads_its_entries(run, tmp_path):
    yaml = pytest.importorskip("yaml")
    hub = pytest.importorskip("huggingface_hub")
    if not hasattr(hub, "parse_eval_result_entries"):
        pytest.skip("needs a huggingface_hub that knows .eval_results")
    command = [str(run), "--format=hf-eval", "--dataset=org/benchmark", "--task=words", f"--out={tmp_path / 'out'}"]
    assert export.main(command) == 0
    text = (tmp_path / "out" / "lab__thing-1b" / ".eval_results" / "jaxalign.yaml").read_text(encoding="utf-8")
    (entry,) = hub.parse_eval_result_entries(yaml.safe_load(text))
    (mean,) = pick(files.read_rows(run), setting="after", seed_size=20, subset="all", metric="P@1", source="mean",
                   target="mean")  # fmt: skip
    assert (entry.dataset_id, entry.task_id, entry.value) == ("org/benchmark", "words", round(100 * mean["value"], 2))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", entry.date) and "no map" in entry.notes


def test_mteb_has_a_subset_per_pair(run, tmp_path):
    assert export.main([str(run), "--format=mteb", f"--out={tmp_path / 'out'}"]) == 0
    result = json.loads((tmp_path / "out" / "lab__thing-1b" / "ConceptAlignment.json").read_text(encoding="utf-8"))
    # The fields of mteb's TaskResult, and what it asks of every score.
    assert set(result) == {
        "dataset_revision",
        "task_name",
        "mteb_version",
        "scores",
        "evaluation_time",
        "kg_co2_emissions",
    }
    scores = result["scores"]["test"]
    assert len(scores) == 6 and all(isinstance(score["languages"], list) and "main_score" in score for score in scores)
    (score,) = [score for score in scores if score["hf_subset"] == "fr-ja"]
    (row,) = pick(
        files.read_rows(run), setting="after", seed_size=20, subset="all", metric="P@1", source="fr", target="ja"
    )
    assert score["main_score"] == score["p_at_1"] == row["value"] and score["languages"] == ["fra-Latn", "jpn-Jpan"]


def test_every_eval_ever_has_results_and_samples(run, tmp_path):
    assert export.main([str(run), "--format=every-eval-ever", f"--out={tmp_path / 'out'}"]) == 0
    (path,) = (tmp_path / "out").glob("data/jaxalign/lab/thing-1b/*.json")
    record = json.loads(path.read_text(encoding="utf-8"))
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft7Validator(AGGREGATE).validate(record)
    published = _published("eval.schema.json")
    jsonschema.Draft7Validator(published).validate(record)
    rows = files.read_rows(run)
    for result in record["evaluation_results"]:
        _, setting, place = result["evaluation_name"].split()
        source, target = ("mean", "mean") if place == "mean" else place.split("-")
        same = pick(rows, setting=setting, subset="all", metric="P@1", source=source, target=target)
        assert result["score_details"]["score"] == same[-1]["value"]
    text = (tmp_path / "out" / record["detailed_evaluation_results"]["file_path"]).read_text(encoding="utf-8")
    assert record["detailed_evaluation_results"]["checksum"] == hashlib.sha256(text.encode()).hexdigest()
    samples, one = [json.loads(line) for line in text.splitlines()], _published("instance_level_eval.schema.json")
    assert len(samples) == 6 * 40 == record["detailed_evaluation_results"]["total_rows"]
    for sample in samples:
        jsonschema.Draft7Validator(SAMPLE).validate(sample)
        jsonschema.Draft7Validator(one).validate(sample)
        assert sample["evaluation_id"] == record["evaluation_id"]
        assert (
            sample["evaluation"]["is_correct"] == (sample["metadata"]["rank"] == "1") == bool(sample["output"]["raw"])
        )
    assert len({sample["sample_id"] for sample in samples}) == 40


@pytest.mark.parametrize(
    "flags",
    [["--format=mteb"], ["--format=hf-eval", "--out=x"], ["--format=csv", "--dataset=a/b"], ["--format=excel"], []],
)
def test_wrong_flags_are_refused(run, flags, capsys):
    with pytest.raises(SystemExit) as left:
        export.main([str(run), *flags])
    assert left.value.code == 2 and capsys.readouterr().err


def test_a_folder_that_is_no_run_is_refused(tmp_path, capsys):
    assert export.main([str(tmp_path), "--format=csv"]) == 2
    assert "finished run" in capsys.readouterr().err


TEXT = {"type": "string"}
STRINGS = {"type": "object", "additionalProperties": TEXT}


def _published(name):
    """A schema of github.com/evaleval/every_eval_ever where EVERY_EVAL_EVER names its folder; else one of anything."""
    folder = os.environ.get("EVERY_EVAL_EVER")
    return json.loads((Path(folder) / name).read_text(encoding="utf-8")) if folder else {}


def record(required, **more):
    """A schema of an object."""
    return {"type": "object", "required": required.split(), "properties": more}


# What schema 0.3.0 asks of the fields that we write, restated.
FILE = r"^data/[^/]+/[^/]+/[^/]+/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}_samples\.jsonl$"
AGGREGATE = record(
    "schema_version evaluation_id retrieved_timestamp source_metadata model_info eval_library evaluation_results",
    schema_version={"const": "0.3.0"},
    evaluation_id=TEXT,
    retrieved_timestamp=TEXT,
    evaluation_timestamp=TEXT,
    source_metadata=record(
        "source_type source_organization_name evaluator_relationship",
        source_type={"enum": ["documentation", "evaluation_run"]},
        evaluator_relationship={"enum": ["first_party", "third_party", "collaborative", "other"]},
    ),
    eval_library=record("name version", name=TEXT, version=TEXT),
    model_info=record("name id", additional_details=STRINGS | {"required": ["deployment_type", "model_availability"]}),
    evaluation_results={
        "type": "array",
        "items": record(
            "evaluation_name source_data metric_config score_details",
            source_data=record("dataset_name source_type", source_type={"const": "other"}, additional_details=STRINGS),
            metric_config=record("lower_is_better score_type min_score max_score", lower_is_better={"type": "boolean"}),
            score_details=record("score", score={"type": "number"}),
        ),
    },
    detailed_evaluation_results=record("file_path", file_path={"type": "string", "pattern": FILE}),
)
SAMPLE = record(
    "schema_version evaluation_id model_id evaluation_name sample_id interaction_type input output answer_attribution "
    "evaluation",
    interaction_type={"const": "single_turn"},
    input=record("raw reference", raw=TEXT, reference={"type": "array", "items": TEXT}),
    output=record("raw", raw={"type": "array", "items": TEXT}),
    answer_attribution={
        "type": "array", "items": record("turn_idx source extracted_value extraction_method is_terminal"),
    },
    evaluation=record("score is_correct", score={"type": "number"}, is_correct={"type": "boolean"}),
    metadata=STRINGS,
)  # fmt: skip
