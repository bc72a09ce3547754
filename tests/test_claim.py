"""The command line of claims, on a run that is on disk."""

import json

import numpy as np
import pytest

from jaxalign import claim
from tests.planted import study
from tests.report.runs import make


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("claims") / "run-0001"
    make(folder)
    tables = study(languages=("en", "fr", "ja"), seed=4).ranks.tables
    keys = {f"demo|vanilla|last|4|csls|{one.setting}|{one.seed_size}|0|0": one.rank for one in tables}
    keys |= {f"{name}|ties": np.ones_like(rank) for name, rank in keys.items()}
    np.savez(folder / "ranks.npz", **keys)
    return folder


def test_the_papers_claims_on_a_run(run, tmp_path, capsys):
    out = tmp_path / "verdicts.json"
    page = out.with_suffix(".md")
    assert claim.main(["paper", str(run), f"--out={out}", f"--markdown={page}", "--draws=199"]) == 0
    assert "| similar languages |" in page.read_text(encoding="utf-8")
    printed = capsys.readouterr().out
    last = json.loads(printed.splitlines()[-1])
    assert last.keys() == {"larger", "similar languages", "abstract", "prompt", "prompt less linear"}
    assert last["larger"] == "cannot be told" and "two sizes" in printed
    records = {one["claim"]: one for one in json.loads(out.read_text(encoding="utf-8"))["claims"]}
    abstract = records["abstract"]
    assert abstract["low"] <= abstract["value"] <= abstract["high"] and 0 < abstract["p"] <= 1
    assert abstract["value"] == pytest.approx(abstract["left"] - abstract["right"])
    assert {one["name"] for one in abstract["confounds"]} >= {"word length", "without fr"}


def test_what_is_refused(run, tmp_path, capsys):
    def refused(*arguments):
        assert claim.main([str(argument) for argument in arguments]) == 2
        return capsys.readouterr().err

    assert "Expected a file of claims" in refused(tmp_path / "none.toml", run)
    assert "finished run" in refused("paper", tmp_path)
    assert "twice" in refused("paper", run, run)
    (run / "report.json").rename(run / "kept.json")
    assert "kinds" in refused("paper", run)
    (run / "kept.json").rename(run / "report.json")
    with pytest.raises(SystemExit) as stopped:
        claim.main(["paper", str(run), "--draws=3"])
    assert stopped.value.code == 2
    make(tmp_path / "other", split_seed=1)
    assert "different" in refused("paper", run, tmp_path / "other")
    (tmp_path / "other" / "ranks.npz").write_bytes(b"nothing")
    assert "ranks" in refused("paper", tmp_path / "other")
