"""Exports hold the run's figures in the forms that others read; each is checked against the published rules."""

import csv
import io

import pytest

from jaxalign import export
from jaxalign.report import files
from tests.planted import pick
from tests.report.runs import make, make_with_ranks


@pytest.fixture
def run(tmp_path):
    return make_with_ranks(tmp_path / "run")


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


def test_a_run_that_was_stopped_is_refused(run, capsys):
    stopped = run.rename(run.with_name("run-0001.partial"))
    for form in ("csv", "every-eval-ever"):
        assert export.main([str(stopped), f"--format={form}", f"--out={run.parent / 'out'}"]) == 2
        assert "was not finished. Give its command again" in capsys.readouterr().err
