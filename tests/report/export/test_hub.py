"""Scores for model pages: what Hugging Face and MTEB ask of them."""

import json
import re

import pytest

from jaxalign import export
from jaxalign.report import files
from tests.planted import pick
from tests.report.runs import make_with_ranks


@pytest.fixture
def run(tmp_path):
    return make_with_ranks(tmp_path / "run")


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
