"""What the gallery adds to its runs: the paper's claims, judged on all of them together."""

import json

import numpy as np

from benchmarks import gallery
from tests.planted import study
from tests.report.runs import make


def test_the_papers_claims_are_judged_and_kept(tmp_path):
    runs = []
    for number, (model, embeddings) in enumerate((("a-1b", ["vanilla"]), ("a-2b", ["vanilla", "prompt:paper"]))):
        folder = tmp_path / f"run-{number}"
        make(folder, model=model)
        tables = {}
        for place, embedding in enumerate(embeddings):
            for one in study(languages=("en", "fr", "ja"), seed=number + place).ranks.tables:
                tables[f"{model}|{embedding}|last|4|csls|{one.setting}|{one.seed_size}|0|0"] = one.rank
        np.savez(folder / "ranks.npz", **tables)
        runs.append(str(folder))
    gallery.judge_claims(runs, tmp_path, draws=99)
    kept = json.loads((tmp_path / "claims.json").read_text(encoding="utf-8"))
    assert len(kept["claims"]) == 5 and all(one.keys() >= {"p", "low", "high", "confounds"} for one in kept["claims"])
    prompt = next(one for one in kept["claims"] if one["claim"] == "prompt")
    assert prompt["left_out"] == ["a-1b has no ranks of prompt, layer last, csls, before"]
    assert "abstract, a-2b, prompt:paper" in {one["claim"] for one in kept["each"]}
    text = (tmp_path / "claims.md").read_text(encoding="utf-8")
    assert "| larger |" in text and "without a model: a-1b has no ranks" in text and "larger, prompt:paper: " in text
