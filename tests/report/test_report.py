"""Tables say what the rows say, join with the paper's numbers, and a run's report can be made again from its files."""

import re

import pytest

from jaxalign import report
from jaxalign.report import __main__ as command
from jaxalign.types import InputError
from tests.report.runs import EVIL, make


def test_a_run_has_its_files_and_rows_come_back(tmp_path):
    rows = make(tmp_path)
    assert report.read_rows(tmp_path / "results.jsonl") == rows
    for name in ("report.md", "report.html", "report.json", "figures/pairs-0-after.svg"):
        assert (tmp_path / name).stat().st_size > 100, name
    assert not list(tmp_path.rglob("*.partial"))


def test_words_are_escaped_and_nothing_points_outside(tmp_path):
    make(tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert EVIL not in page and "&lt;script&gt;alert" in page and page.count("<script>") == 2
    page = re.sub(r"<script>.*?</script>", "", page, flags=re.S)  # test_explorer watches what scripts request
    assert "src=" not in page and "@import" not in page and "url(http" not in page
    assert EVIL not in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_a_folder_without_results_is_refused(tmp_path, capsys):
    assert command.main([str(tmp_path)]) == 2
    assert "finished run" in capsys.readouterr().err
    (tmp_path / "results.jsonl").write_text('{"a": 1}\n{"b": ')
    with pytest.raises(InputError, match="JSON"):
        report.read_rows(tmp_path / "results.jsonl")


@pytest.mark.parametrize("content", [b"", b"{bad", b"[1]\n", b'{"a": 1}\n', b"\xff\xfe", b"[" * 10**5])
def test_rows_that_are_no_runs_are_refused(tmp_path, capsys, content):
    (tmp_path / "results.jsonl").write_bytes(content)
    assert command.main([str(tmp_path)]) == 2
    assert "Expected" in capsys.readouterr().err and [path.name for path in tmp_path.iterdir()] == ["results.jsonl"]


def test_out_that_is_a_file_is_refused(tmp_path, capsys):
    make(tmp_path / "run")
    (tmp_path / "out").write_text("")
    assert command.main([str(tmp_path / "run"), f"--out={tmp_path / 'out'}"]) == 2
    assert "--out" in capsys.readouterr().err


def test_the_screen_shows_means_and_all_pairs(tmp_path, capsys):
    report.show(make(tmp_path))
    shown = capsys.readouterr().out
    assert "before" in shown and "ceiling" in shown and "P@1 after" in shown and len(shown.splitlines()) < 20


def test_rows_with_a_number_that_is_not_finite_are_refused(tmp_path):
    with pytest.raises(ValueError):
        report.write_rows(tmp_path / "results.jsonl", [dict(value=float("nan"))])
    assert not (tmp_path / "results.jsonl").exists()
