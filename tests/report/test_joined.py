"""Runs are joined where they can be compared, and their models are compared on the same concepts."""

import json

import numpy as np
import pytest

from jaxalign import report
from jaxalign.report import __main__ as command
from tests.planted import pick, study
from tests.report.runs import make


def test_reports_are_made_again_and_runs_are_joined(tmp_path, capsys):
    one, two, out = tmp_path / "one", tmp_path / "two", tmp_path / "both"
    first = make(one, model="a/first")
    second = make(two, model="b/second", seed=3)
    before = (one / "report.html").read_text()
    (one / "report.html").unlink()
    assert command.main([str(one)]) == 0
    assert (one / "report.html").read_text() == before
    assert command.main([str(one), str(two), "--out", str(out)]) == 0
    assert len(report.read_rows(out / "results.jsonl")) == len(first) + len(second)
    page = (out / "report.html").read_text()
    assert "first · vanilla" in page and "second · vanilla" in page
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["runs"] == 2


def save_ranks(folder, model, seed, names=("a", "b")):
    """ranks.npz and split.json as a run keeps them."""
    languages, _, _, outcomes = study(languages=("en", "fr", "ja"), seed=seed)
    keys = {f"{model}|vanilla|last|4|csls|{o.setting}|{o.seed_size}|0|0": o.rank for o in outcomes}
    np.savez(folder / "ranks.npz", **keys)
    (folder / "split.json").write_text(json.dumps({"seed": [], "test": list(names)}))
    return outcomes


def test_joined_runs_compare_their_models_on_the_same_concepts(tmp_path):
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder, model, seed in zip(folders, ("a/first-1b7", "b/second-7b"), (0, 3), strict=True):
        make(folder, model=model, seed=seed)
    one, two = save_ranks(folders[0], "a/first-1b7", 4), save_ranks(folders[1], "b/second-7b", 7)
    rows, _ = report.join(folders)
    (row,) = pick(rows, setting="after - after", metric="P@1", source="fr", target="en")
    gap = (one[2].rank[1, 0] == 1).mean() - (two[2].rank[1, 0] == 1).mean()
    assert row["model"] == "a/first-1b7 - b/second-7b" and row["value"] == pytest.approx(gap, abs=1e-6)
    assert command.main([*map(str, folders), "--out", str(tmp_path / "out")]) == 0
    page = (tmp_path / "out" / "report.html").read_text()
    assert "first-1b7 - second-7b" in page and "<section id=sizes>" in page and "<section id=differences>" in page
    save_ranks(folders[1], "b/second-7b", 7, names=("c", "d"))  # another test set cannot be paired
    assert not pick(report.join(folders)[0], setting="after - after")
