"""Each flagfile of the paper's models runs from start to report, on a tiny checkpoint of the same architecture."""

import json
import re
from pathlib import Path

import pytest

from jaxalign import bench
from jaxalign.report import paper_numbers, read_rows
from jaxalign.report.results import Results
from tests.tiny import LLAMA, concepts, write_model

FLAGS = Path(__file__).resolve().parents[2] / "benchmarks" / "paper"
TINY = {
    "llama2": LLAMA,
    "bloomz": {
        "model_type": "bloom", "hidden_size": 32, "n_layer": 2, "n_head": 4, "vocab_size": 260,
        "layer_norm_epsilon": 1e-5,
    },
    "mt0": {
        "model_type": "mt5", "d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": 4, "vocab_size": 260,
        "num_decoder_layers": 2, "relative_attention_num_buckets": 8, "relative_attention_max_distance": 32,
        "feed_forward_proj": "gated-gelu", "layer_norm_epsilon": 1e-6, "decoder_start_token_id": 0,
        "tie_word_embeddings": False, "is_encoder_decoder": True, "is_gated_act": True, "dense_act_fn": "gelu_new",
    },
}  # fmt: skip
NAMES = sorted(path.stem for path in FLAGS.glob("*.flags") if path.stem not in ("all", "common"))


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("paper")
    known = concepts(repeat=6)
    lines = ["id\tkind\t" + "\t".join(known.words)]
    for row, name in enumerate(known.ids):
        kind = ("abstract", "physical")[row % 2]
        lines.append("\t".join([name, kind, *(words[row] for words in known.words.values())]))
    (root / "list.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


def test_there_are_ten():
    assert len(NAMES) == 10


@pytest.mark.parametrize("name", NAMES)
def test_flagfile_runs(place, name, capsys, monkeypatch):
    monkeypatch.chdir(FLAGS.parents[1])  # nested flagfiles are found from the project's root
    family = "mt0" if name == "aya-101" else name.split("-")[0]
    folder = write_model(place / name, TINY[family])
    flags = [f"--flagfile=benchmarks/paper/{name}.flags", f"--models={folder}", "--weights=random", "--bootstrap=0",
             f"--concepts={place / 'list.tsv'}", "--languages=en,fr,ja", "--dtype=float32", "--model_parallel=1",
             f"--workdir={place / 'runs' / name}"]  # fmt: skip
    assert bench.main(["bench", *flags]) == 0, capsys.readouterr().err
    run = Path(json.loads(capsys.readouterr().out.splitlines()[-1])["run"])
    rows = read_rows(run)
    assert {row["setting"] for row in rows} >= {"before", "after", "ceiling", "null", "ceiling_null"}
    assert {row["embedding"] for row in rows if row["retrieval"] == "csls"} == {"vanilla", "prompt:paper"}
    expected = "mean" if family == "mt0" else "last"
    assert {row["pooling"] for row in rows if row["embedding"] == "vanilla"} == {expected}
    assert (run / "report.html").exists()


def test_the_runs_name_matches_the_papers_table(place):
    """A checkpoint under the name of one of the ten stands beside the paper's figures; an untrained one does not."""
    run = place / "runs" / "bloomz-1b7" / "run-0001"
    rows = read_rows(run)
    assert "Beside the paper" not in (run / "report.html").read_text(encoding="utf-8")
    trained = [row | {"model": row["model"].removesuffix(" (random weights)")} for row in rows]
    body = paper_numbers.against_paper(Results(trained)).body
    assert {line[1] for line in body} == {"vanilla", "prompt:paper"} and {line[2] for line in body} == {
        "fr-en",
        "ja-en",
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_flagfile_opens_with_what_one_must_know(name):
    """Command, memory, where its plan is, and the paper's P@1 at 3,000 seed pairs."""
    lines = (FLAGS / f"{name}.flags").read_text(encoding="utf-8").splitlines()
    assert lines[0] == f"# python -m jaxalign.bench --flagfile=benchmarks/paper/{name}.flags"
    head = "\n".join(line for line in lines if line.startswith("#"))
    model = next(line for line in lines if line.startswith("--models=")).removeprefix("--models=")
    assert all(word in head for word in (model, "# Memory:", "GB", "# Plan: docs/accelerators.md", "--suite=plan"))
    for fact in paper_numbers.paper_facts():
        if fact["model"] == paper_numbers.paper_model(model) and fact["k"] == 1 and fact["seed"] == 3000:
            said = "/".join(f"{fact[part]:g}" for part in ("before", "after_both", "ceiling"))
            (line,) = [line for line in lines if line.startswith(
                "#   prompt" if fact["embedding"] == "prompt-based" else "#   vanilla")]  # fmt: skip
            assert f"{fact['lang']} " in line and said in re.sub(r"(\d)\.0(?!\d)", r"\1", line), (fact, line)
