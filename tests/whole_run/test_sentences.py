"""Lists of sentences through whole runs: figures, repeated sentences, and those that are too long."""

import csv
from pathlib import Path

import pytest

from jaxalign import bench, report
from tests import tiny

FLAGS = ("--languages=en,fr", "--embeddings=vanilla", "--retrieval=nn", "--normalize=none", "--candidates=test",
         "--k=1", "--bootstrap=50", "--batch_tokens=512", "--weights=random")  # fmt: skip


def write_list(path: Path, rows: list[tuple[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, delimiter="\t")
        table.writerow(["id", "kind", "en", "fr"])
        table.writerows((f"s{number}", "sentence", *row) for number, row in enumerate(rows))
    return path


def figures(folder: Path, setting: str) -> dict[tuple[str, str, str], dict]:
    rows = [row for row in report.read_rows(folder / "run-0001") if row["setting"] == setting]
    return {(row["source"], row["target"], row["metric"]): row for row in rows if row["subset"] == "all"}


def test_the_same_sentences_are_found_and_one_that_occurs_twice_counts_half(tmp_path, capsys):
    """Both languages have the same texts, so that only the four copies of two sentences are not certain."""
    texts = [f'Number {number} said "no", then (slowly) left; {number * 7919}.' for number in range(20)]
    texts += [texts[18], texts[19]]
    model = tiny.write_model(tmp_path / "model", tiny.LLAMA | {"num_hidden_layers": 1})
    path = write_list(tmp_path / "sentences.tsv", [(text, text) for text in texts])
    (tmp_path / "split.json").write_text(
        '{"seed": ["s0", "s1"], "test": [' + ", ".join(f'"s{number}"' for number in range(2, 22)) + "]}"
    )
    flags = [*FLAGS, f"--models={model}", f"--concepts={path}", f"--split={tmp_path / 'split.json'}",
             "--settings=before", "--controls=bitext", "--pooling=rising_mean",
             f"--workdir={tmp_path / 'w'}"]  # fmt: skip
    assert bench.main(["bench", *flags]) == 0, capsys.readouterr().err
    found = figures(tmp_path / "w", "before")
    assert found["en", "fr", "MEXA"]["value"] == pytest.approx(16 / 20)  # a tie is no first place
    for metric in ("P@1", "P@1_margin"):
        assert found["en", "fr", metric]["value"] == pytest.approx(18 / 20), metric
        assert found["en", "fr", metric]["low"] < 18 / 20 < found["en", "fr", metric]["high"]
    chance = figures(tmp_path / "w", "chance")["mean", "mean", "MEXA"]
    assert chance["value"] == pytest.approx(1 / 39, abs=1e-6)
    page = (tmp_path / "w" / "run-0001" / "report.html").read_text(encoding="utf-8")
    assert "<section id=bitext>" in page and "P@1 by margin" in page


def test_a_sentence_longer_than_the_model_is_refused_before_it_is_loaded(tmp_path, capsys):
    model = tiny.write_model(tmp_path / "model", tiny.LLAMA | {"max_position_embeddings": 64})
    path = write_list(tmp_path / "sentences.tsv", [(f"word {number}, " * (1 + number % 3), f"mot {number}") for number
                                                   in range(12)] + [("long, " * 20, "court")])  # fmt: skip
    status = bench.main(["bench", *FLAGS, f"--models={model}", f"--concepts={path}", f"--workdir={tmp_path / 'w'}"])
    said = capsys.readouterr().err
    assert status == 2 and "at most 64 tokens" in said and "long, long" in said and "concept 12" in said
    assert not list((tmp_path / "w").glob("run-*"))
