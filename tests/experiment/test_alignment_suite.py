"""The suite as a whole: real spaces against float64, and the packaged model over its lexicon."""

import json
from pathlib import Path

import numpy as np
import pytest

from jaxalign import bench
from jaxalign.config import Config
from jaxalign.embeddings import word2vec_format
from jaxalign.evaluation import warm_up
from jaxalign.experiment import alignment_suite, run
from jaxalign.metrics.rows import COLUMNS
from jaxalign.report import read_rows
from tests.reference import reference_bounds

ROOT = Path(__file__).resolve().parents[2]


def rows_of(folder: Path) -> list[dict]:
    return read_rows(folder)


@pytest.mark.slow
def test_real_spaces_agree_with_float64_numpy(shared, tmp_path):
    """Every ordered pair, setting and retrieval, to within one query in a thousand, near ties counted apart."""
    config = Config(
        spaces=str(shared / "spaces"), workdir=str(tmp_path), bootstrap=0, settings=("before", "after", "ceiling")
    )
    folder = run.run(config)
    ids, spaces = word2vec_format.read_folder(shared / "spaces", word2vec_format.languages(shared / "spaces"))
    split = json.loads((folder / "split.json").read_text())
    seed, test = ([ids.index(name) for name in split[part]] for part in ("seed", "test"))
    found = {
        (row["setting"], row["retrieval"], row["source"], row["target"]): row["value"]
        for row in rows_of(folder)
        if row["metric"] == "P@1" and row["subset"] == "all"
    }
    names = list(spaces)
    for setting in config.settings:
        for retrieval in config.retrieval:
            low, high = reference_bounds(spaces, seed, test, setting, retrieval, tolerance=2e-6)
            for i, source in enumerate(names):
                for j, target in enumerate(names):
                    if i != j:
                        value = found[setting, retrieval, source, target]
                        assert (high[i, j] == 1).mean() - 1e-3 <= value <= (low[i, j] == 1).mean() + 1e-3
    mean = {
        s: np.mean([v for (k, r, a, b), v in found.items() if k == s and "mean" not in (a, b)]) for s in config.settings
    }
    assert mean["before"] < 0.004 and 0.5 < mean["after"] < mean["ceiling"]
    assert found["after", "csls", "en", "fr"] > 0.65 and found["after", "csls", "en", "fi"] > 0.55


def test_the_builtin_path_end_to_end(tmp_path, capsys):
    split = ROOT / "jaxalign/data/demo/split.json"
    flags = [f"--flagfile={ROOT / 'benchmarks' / 'quickstart.flags'}", f"--split={split}",
             "--languages=en,fr,th", "--bootstrap=100", f"--workdir={tmp_path}", "--export_spaces=true"]  # fmt: skip
    assert bench.main(["bench", *flags]) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    folder = Path(said["run"])
    rows = rows_of(folder)
    assert all(tuple(row) == COLUMNS for row in rows)
    value = {
        (row["embedding"], row["setting"]): row["value"]
        for row in rows
        if (row["source"], row["target"], row["metric"], row["subset"], row["retrieval"])
        == ("mean", "mean", "P@1", "all", "csls")
    }
    for embedding in ("vanilla", "prompt:paper"):
        assert value[embedding, "null"] < 0.05 < value[embedding, "after"] < value[embedding, "ceiling"]
        assert value[embedding, "before"] < value[embedding, "after"]
    assert {row["subset"] for row in rows} >= {"all", "abstract", "physical"}
    page = (folder / "report.html").read_text()
    assert "<svg" in page and "P@1" in page
    exported = list((folder / "spaces").iterdir())
    assert len(exported) == 2
    again = run.run(Config(spaces=str(exported[0]), workdir=str(tmp_path / "b"), bootstrap=0, retrieval=("nn",)))
    assert "abstract" in {row["subset"] for row in rows_of(again)}  # ids of the lexicon bring their kinds along


def test_domains_need_ids_of_wordnet(tmp_path, monkeypatch, caplog):
    """The synsets are not read here: no concept of this list is one of them."""
    ids = tuple(f"c{number}" for number in range(30))
    word2vec_format.write_folder(
        tmp_path / "spaces", ids, {code: np.random.default_rng(place).normal(size=(30, 4)) for place, code in
                                   enumerate(("en", "fr"))})  # fmt: skip
    monkeypatch.setattr(alignment_suite.covariates, "domains", lambda concepts: {"animals": np.zeros(30, bool)})
    alignment_suite.prepare(Config(spaces=str(tmp_path / "spaces"), controls=("domains",)))
    assert "no domains, because the ids of the concepts are not those of WordNet" in caplog.text


def test_a_run_does_not_need_what_is_done_beside_it(tmp_path, monkeypatch):
    """An error there is met again where the result is used, or the result is made then."""

    asked = []

    def fail(*arguments: object) -> None:
        asked.append(arguments)
        raise RuntimeError("beside")

    monkeypatch.setattr(warm_up, "is_worth_it", lambda concepts, features: True)
    monkeypatch.setattr(warm_up, "compile_programs", fail)
    config = Config(workdir=str(tmp_path), languages=("en", "fr"), embeddings=("vanilla",), bootstrap=0)
    assert (run.run(config) / "report.html").is_file() and [one[:2] for one in asked] == [(488, 96)]
