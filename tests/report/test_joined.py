"""Runs are joined where they can be compared, and their models are compared on the same concepts."""

import json

import pytest

from jaxalign import report
from jaxalign.report import __main__ as command
from jaxalign.report import files
from jaxalign.types import InputError
from tests.planted import pick
from tests.report.runs import make, make_with_ranks


def test_reports_are_made_again_and_runs_are_joined(tmp_path, capsys):
    one, two, out = tmp_path / "one", tmp_path / "two", tmp_path / "both"
    first = make(one, model="a/first")
    second = make(two, model="b/second", seed=3)
    before = (one / "report.html").read_text()
    (one / "report.html").unlink()
    assert command.main([str(one)]) == 0
    assert (one / "report.html").read_text() == before
    assert command.main([str(one), str(two), "--out", str(out)]) == 0
    assert len(report.read_rows(out)) == len(first) + len(second)
    page = (out / "report.html").read_text()
    assert "first · vanilla" in page and "second · vanilla" in page
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["runs"] == 2


def test_one_run_alone_is_returned_as_it_is(tmp_path):
    """Rows without a model (forms, counts) are kept, also where two of them have the same place."""
    counts = [row_without_model(value) for value in (0.25, 0.25, 0.5)]
    made = make(tmp_path / "run", rows=counts)
    rows, extras = report.join([tmp_path / "run"])
    assert rows == made + counts == report.read_rows(tmp_path / "run")
    assert extras == json.loads((tmp_path / "run" / "report.json").read_text(encoding="utf-8"))
    before = (tmp_path / "run" / "results.jsonl").read_bytes()
    assert command.main([str(tmp_path / "run"), f"--out={tmp_path / 'out'}"]) == 0
    assert (tmp_path / "out" / "results.jsonl").read_bytes() == before


def row_without_model(value):
    label = dict(model="", embedding="none", pooling="none", layer=0, source="mean", target="mean", setting="forms")
    question = dict(seed_size=0, retrieval="none", csls_k=0, candidates="none", completion="none", subset="all")
    return label | question | dict(metric="identical", value=value, count=60, low=value, high=value)


def test_rows_without_a_model_are_kept_when_runs_are_joined(tmp_path):
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder, model in zip(folders, ("a/first", "b/second"), strict=True):
        make(folder, model=model, rows=[row_without_model(0.25)])
    (row,) = pick(report.join(folders)[0], setting="forms")
    assert row["value"] == 0.25 and row["run"] == "one"


@pytest.mark.parametrize("change", [dict(split_seed=1), dict(languages=("en", "fr"), concepts=50)])
def test_runs_over_other_concepts_or_splits_are_refused_or_kept_apart(tmp_path, capsys, change):
    folders = [tmp_path / "one", tmp_path / "two"]
    first = make(folders[0])
    second = make(folders[1], **change)
    out = tmp_path / "out"
    assert command.main([*map(str, folders), f"--out={out}"]) == 2 and not out.exists()
    assert "same concepts and split" in (said := capsys.readouterr().err) and "--keep_apart" in said
    assert command.main([*map(str, folders), f"--out={out}", "--keep_apart"]) == 0
    rows = report.read_rows(out)
    assert len(pick(rows, model="demo", run="one")) == len(first)
    assert len(pick(rows, model="demo [two]", run="two")) == len(second)
    assert not [row for row in rows if " - " in row["model"]]  # other test concepts cannot be paired
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "do not compare" in page and "<section id=runs>" in page


def test_a_model_that_two_runs_measured_differently_is_kept_apart(tmp_path):
    """One has `before` alone and the other `after` alone: one row must not hold figures of both."""
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder, setting, steps in zip(folders, ("before", "after"), (["none"], ["unit"]), strict=True):
        rows = make(folder, settings={"normalize": steps})
        files.write_results(folder, pick(rows, setting=setting))
    rows, extras = report.join(folders)
    assert {(row["model"], row["setting"]) for row in rows} == {("demo", "before"), ("demo [two]", "after")}
    assert any("--normalize" in note for note in extras["notes"])


def test_other_values_of_the_same_figure_are_kept_apart(tmp_path):
    folders = [tmp_path / "one", tmp_path / "two"]
    first, second = make(folders[0]), make(folders[1], seed=5)
    rows, extras = report.join(folders)
    assert len(rows) == len(first) + len(second) and any("other values" in note for note in extras["notes"])
    assert {wrong["model"] for wrong in extras["wrong"]} == {"demo", "demo [two]"}


def test_equal_runs_give_every_row_once(tmp_path):
    folders = [tmp_path / "a" / "run-0001", tmp_path / "b" / "run-0001"]
    first, second = make(folders[0]), make(folders[1])
    rows, extras = report.join(folders)
    assert first == second and [{n: v for n, v in row.items() if n != "run"} for row in rows] == first
    assert {row["run"] for row in rows} == {"a/run-0001"} and not extras["notes"]
    with pytest.raises(InputError, match="twice"):
        report.join([folders[0], folders[0]])


def test_models_that_were_not_measured_alike_are_said_to_be_so(tmp_path, capsys):
    """Other models with other settings or languages stay on one page, whose first lines name what differs."""
    folders = [tmp_path / name for name in ("one", "two", "three")]
    make(folders[0], model="a/first", settings={"normalize": ["unit"]})
    make(folders[1], model="b/second", settings={"normalize": ["none"]})
    make(folders[2], model="c/third", settings={"normalize": ["unit"]}, languages=("en", "fr"))
    assert command.main([*map(str, folders), f"--out={tmp_path / 'out'}"]) == 0
    said = capsys.readouterr().err
    assert "two has another --normalize than one. Compare them with care." in said
    assert "three has another --languages than one; its means are over other pairs of languages." in said
    assert "Compare them with care" in (tmp_path / "out" / "report.md").read_text(encoding="utf-8")[:1500]
    versions = {"versions": {"jaxalign": "0.1"}}
    extras = files.read_extras(folders[2]) | {"environment": versions, "settings": {"normalize": ["unit"]}}
    files.write_extras(folders[2], extras)
    files.write_extras(folders[0], files.read_extras(folders[0]) | {"environment": {"versions": {"jaxalign": "0.2"}}})
    notes = report.join([folders[0], folders[2]])[1]["notes"]
    assert any("version of jaxalign (0.1, not 0.2), --languages" in note for note in notes)


def test_unfinished_and_damaged_runs_are_named(tmp_path, capsys):
    folders = [make_with_ranks(tmp_path / name) for name in ("one", "two")]
    files.write_results(folders[1], [row | {"model": "other"} for row in report.read_rows(folders[1])])
    whole = (folders[1] / "ranks.npz").read_bytes()
    for data in (b"no archive", whole[:-100], whole[:200] + bytes(100) + whole[300:]):
        (folders[1] / "ranks.npz").write_bytes(data)
        assert command.main([*map(str, folders), f"--out={tmp_path / 'out'}"]) == 2
        assert "two/ranks.npz, got a damaged file" in capsys.readouterr().err
    partial = folders[1].rename(tmp_path / "two.partial")
    assert command.main([str(folders[0]), str(partial), f"--out={tmp_path / 'out'}"]) == 2
    assert "two.partial, which was not finished" in capsys.readouterr().err
