"""Models of several runs compared on the same test concepts, from the ranks that the runs keep."""

import pytest

from jaxalign import report
from jaxalign.report import __main__ as command
from tests.planted import pick
from tests.report.runs import make, save_ranks


def test_joined_runs_compare_their_models_on_the_same_concepts(tmp_path):
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder, model, seed in zip(folders, ("a/first-1b7", "b/second-7b"), (0, 3), strict=True):
        make(folder, model=model, seed=seed)
    one, two = save_ranks(folders[0], "a/first-1b7", 4), save_ranks(folders[1], "b/second-7b", 7)
    rows, _ = report.join(folders)
    (row,) = pick(rows, setting="after - after", metric="P@1", source="fr", target="en")
    gap = (one[2].rank[1, 0] == 1).mean() - (two[2].rank[1, 0] == 1).mean()
    assert row["model"] == "a/first-1b7 - b/second-7b" and row["value"] == pytest.approx(gap, abs=1e-6)
    groups = {row["model"]: row["value"] for row in pick(rows, setting="after", metric="group")}
    ranks = pick(rows, setting="after", metric="rank")
    places = {row["model"]: (row["low"], row["value"], row["high"]) for row in ranks}
    assert groups.keys() == places.keys() == {"a/first-1b7", "b/second-7b"} and min(groups.values()) == 1
    assert all(low <= value <= high for low, value, high in places.values())
    assert pick(rows, setting="after - after", metric="P@1_all_models_p")
    assert command.main([*map(str, folders), "--out", str(tmp_path / "out")]) == 0
    page = (tmp_path / "out" / "report.html").read_text()
    assert "first-1b7 - second-7b" in page and "<section id=sizes>" in page and "<section id=differences>" in page
