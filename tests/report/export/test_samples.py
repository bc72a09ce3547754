"""Results and samples in the form of Every Eval Ever."""

import hashlib
import json
import os
from pathlib import Path

import pytest

from jaxalign import export
from jaxalign.report import files
from tests.planted import pick
from tests.report.runs import make_with_ranks


@pytest.fixture
def run(tmp_path):
    return make_with_ranks(tmp_path / "run")


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
