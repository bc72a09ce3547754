"""Tables say what the rows say, join with the paper's numbers, and a run's report can be made again from its files."""

import json

import numpy as np
import pytest

from jaxalign import report
from jaxalign.metrics import precision
from jaxalign.report import __main__ as command
from jaxalign.report import tables
from jaxalign.types import InputError, SpaceLabel
from tests.metrics.test_precision import pick, study

EVIL = '<script>alert("x")</script>'


def make(folder, model="demo", embedding="vanilla", layers=(4,), seed=0, languages=("en", "fr", "ja"), **extra):
    """A synthetic run of a few pairs, with a hostile word, written to `folder`; returns its rows."""
    rows, wrong = [], []
    for layer in layers:
        languages, concepts, split, outcomes = study(languages=languages, seed=seed + layer)
        outcomes += [outcomes[1]._replace(setting=name) if hasattr(outcomes[1], "_replace") else _as(outcomes[1], name)
                     for name in ("ceiling", "null")]  # fmt: skip
        label = SpaceLabel(model, embedding, "last", layer)
        masks = {"identical_removed": np.arange(40) % 3 > 0}
        rows += precision.rows(label, outcomes, concepts, split, languages, subsets=masks, bootstrap=50)
        wrong += precision.wrong(label, outcomes[1], concepts, split, languages, limit=3)
    wrong[0]["found"] = EVIL
    words = concepts.words | {"ja": tuple("犬" for _ in concepts.ids)}
    concepts = concepts._replace(words=words)
    report.write(folder, rows + list(extra.get("rows", ())), concepts=concepts, split=split, wrong=wrong,
                 environment={"device_kind": EVIL}, settings={"models": (model,)},
                 timing=[{"phase": "embed", "seconds": 1.5}])  # fmt: skip
    return rows


def _as(outcome, setting):
    return type(outcome)(**vars(outcome) | {"setting": setting})


def test_a_run_has_its_files_and_rows_come_back(tmp_path):
    rows = make(tmp_path)
    assert report.read_rows(tmp_path / "results.jsonl") == rows
    for name in ("report.md", "report.html", "report.json", "figures/pairs-0-after.svg"):
        assert (tmp_path / name).stat().st_size > 100, name
    assert not list(tmp_path.rglob("*.partial"))


def test_words_are_escaped_and_nothing_points_outside(tmp_path):
    make(tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert EVIL not in page and "&lt;script&gt;alert" in page and page.count("<script>") == 1
    assert "src=" not in page and "@import" not in page and "url(http" not in page
    assert EVIL not in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_tables_hold_the_rows_values(tmp_path):
    rows = make(tmp_path)
    results = tables.Results(rows)
    (series,) = tables.last_layers(results)
    table = tables.matrix(results, series, "before")
    (cell,) = pick(rows, setting="before", subset="all", metric="P@1", source="fr", target="en")
    assert table.header == ["", "en", "fr", "ja"] and table.body[1][1] == round(100 * cell["value"], 2)
    assert table.body[1][2] is None
    headline = tables.headline(results, [series])
    (mean,) = pick(rows, setting="after", seed_size=20, subset="all", metric="P@1", source="mean", target="mean")
    assert headline.body[0][headline.header.index("after")] == round(100 * mean["value"], 2)
    text = tables.text(table)
    assert len(text.splitlines()) == 5 and f"{table.body[1][1]:.2f}" in text


def test_means_without_mean_rows_are_computed(tmp_path):
    rows = [row for row in make(tmp_path) if "mean" not in (row["source"], row["target"])]
    results = tables.Results(rows)
    (series,) = tables.last_layers(results)
    cells = pick(rows, setting="before", subset="all", metric="MRR")
    assert results.mean(series, "before", metric="MRR")["value"] == pytest.approx(np.mean([c["value"] for c in cells]))


def test_the_papers_numbers_are_carried_whole_and_joined():
    facts = tables.paper_facts()
    assert len(facts) == 1440 and {fact["model"] for fact in facts} == set(tables.PAPER_MODELS.values())
    assert tables.paper_model("meta-llama/Llama-2-13b-chat-hf") == "Llama2-13B"
    assert tables.paper_model("CohereForAI/aya-101") == "Aya101" and tables.paper_model("demo") is None
    base = dict(model="bigscience/bloomz-3b", embedding="vanilla", pooling="last", layer=30, retrieval="csls")
    base |= dict(csls_k=10, candidates="all", completion="drop", source="fr", target="en", metric="P@1", count=9)
    rows = [base | dict(setting="before", seed_size=0, subset="all", value=0.5),
            base | dict(setting="after", seed_size=2000, subset="abstract", value=0.25),
            base | dict(setting="after", seed_size=2000, subset="all", metric="P@5", value=0.25)]  # fmt: skip
    body = tables.against_paper(tables.Results(rows)).body
    (fact,) = [f for f in facts if (f["model"], f["embedding"], f["lang"], f["k"], f["seed"]) ==
               ("BLOOMZ-3B", "last-token", "fr", 1, 2000)]  # fmt: skip
    found = {(line[4], line[5]): line[-3:] for line in body}
    assert found["before", "all"] == (50.0, fact["before"], round(50 - fact["before"], 2))
    assert found["after", "abstract"] == (25.0, fact["after_abstract"], round(25 - fact["after_abstract"], 2))
    assert len(body) == 2
    near = [row | dict(seed_size=1600) if row["setting"] == "after" else row for row in rows]
    (line,) = [line for line in tables.against_paper(tables.Results(near)).body if line[4] == "after"]
    assert line[6:8] == (1600, 2000)


def test_identical_share_counts_words_that_are_the_same_but_for_case():
    _, concepts, _, _ = study(concepts=4, queries=2, languages=("en", "fr"))
    concepts = concepts._replace(words={"en": ("Zoo", "cat", "dog", "sun"), "fr": ("zoo", "chat", "chien", "sun")})
    assert report.identical_share(concepts) == {"fr-en": 0.5}


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


def test_sizes_are_read_off_names():
    from jaxalign.report.model_size import parameters

    known = {"meta-llama/Llama-2-13b-chat-hf": 13, "bigscience/bloomz-1b7": 1.7, "bloomz-7b1": 7.1, "aya-101": 13}
    known |= {"bloomz-560m": 0.56, "google/gemma-2.5b": 2.5, "demo": None, "models/mt0-large/": 1.2}
    assert {name: parameters(name) for name in known} == known
    assert parameters("demo", {"demo": 2_000_000}) == 0.002


def test_a_series_that_ties_decide_does_not_head_the_page():
    """Made as the pipeline makes them: P@1 rows of two series, and `ties` rows of the better one."""
    from jaxalign.report import run_info
    from jaxalign.report.tables import Results

    def row(pooling, metric, value, source="mean", target="mean"):
        label = dict(model="m", embedding="vanilla", pooling=pooling, layer=1, source=source, target=target)
        question = dict(setting="after", seed_size=9, retrieval="csls", csls_k=10, candidates="all", completion="drop")
        return label | question | dict(subset="all", metric=metric, value=value, count=9, low=value, high=value)

    rows = [row(pooling, "P@1", value, *pair) for pooling, value in (("first", 0.9), ("last", 0.4))
            for pair in (("en", "fr"), ("fr", "en"), ("mean", "mean"))]  # fmt: skip
    assert run_info.best_series(Results(rows)).pooling == "first"
    tied = Results(rows + [row("first", "ties", 0.5, "en", "fr")])
    assert (
        run_info.best_series(tied).pooling == "last"
        and run_info.tied(tied, run_info.best_series(Results(rows))) == 0.25
    )
    assert (
        "first" in run_info.ties_note(tied)
        and "25 %" in run_info.ties_note(tied)
        and run_info.ties_note(Results(rows)) == ""
    )
