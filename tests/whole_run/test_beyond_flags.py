"""The flagfile of what goes past the paper runs from start to report on a tiny model, and its claims are judged."""

import json
from pathlib import Path

import pytest

from jaxalign import bench, claim, report
from tests import small_run

FLAGFILE = Path(__file__).resolve().parents[2] / "benchmarks" / "beyond.flags"


def test_the_flagfile_opens_with_its_command():
    lines = FLAGFILE.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "# python -m jaxalign.bench --flagfile=benchmarks/beyond.flags"
    config = bench.config_from(["bench", f"--flagfile={FLAGFILE}"])
    assert set(config.controls) >= {"hubness", "confounds", "isometry", "gpa", "identical", "matched", "spectrum"}
    assert config.answers == "all" and config.layers == "all" and "null" in config.settings


@pytest.mark.slow
def test_the_flagfile_runs_on_a_tiny_model(tmp_path, capsys):
    pytest.importorskip("statsmodels")
    pytest.importorskip("wordfreq")
    small_run.write_inputs(tmp_path)
    lines = [line.split("\t") for line in (tmp_path / "list.tsv").read_text(encoding="utf-8").splitlines()]
    same = lines[0].index("en"), lines[0].index("fr")
    for line in lines[1:20]:  # enough identical words for a map
        line[same[1]] = line[same[0]]
    (tmp_path / "list.tsv").write_text("".join("\t".join(line) + "\n" for line in lines), encoding="utf-8")
    flags = [f"--flagfile={FLAGFILE}", f"--models={tmp_path / 'model'}", "--weights=random", "--batch_tokens=256",
             f"--concepts={tmp_path / 'list.tsv'}", "--languages=en,fr", "--embeddings=vanilla", "--layers=0,last",
             "--csls_k=3", "--seed_sizes=all", "--bootstrap=50", f"--workdir={tmp_path}"]  # fmt: skip
    assert bench.main(["bench", *flags]) == 0, capsys.readouterr().err
    rows = report.read_rows(tmp_path / "run-0001")
    metrics = {row["metric"] for row in rows}
    assert metrics >= {"hubness_skew", "reciprocity", "P@5_all_answers", "MRR_all_answers - MRR", "several_words"}
    assert metrics >= {"P@1_rotated", "P@1_spectrum_p", "best_layer", "best_layer_null", "best_layer_p", "MEXA_max"}
    settings = {row["setting"] for row in rows}
    assert metrics >= {"CKA_unbiased", "P@1_p"} and {"gpa", "null", "ceiling_null"} <= settings
    assert {"identical", "identical_null", "refined - refined_null"} <= settings
    assert {"equal_tokens", "identical_removed"} <= {row["subset"] for row in rows}
    page = (tmp_path / "run-0001" / "report.html").read_text(encoding="utf-8")
    assert "<section id=hubness>" in page and "<section id=answers>" in page and "<section id=spectrum>" in page
    capsys.readouterr()
    assert claim.main(["paper", str(tmp_path / "run-0001"), "--draws=99"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["larger"] == "cannot be told"
