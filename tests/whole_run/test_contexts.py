"""Words in context through a whole run: beside bare words in the same split, with rows and a null, on the page."""

import json

import numpy as np
import pytest

from jaxalign import bench, report
from tests import tiny

FLAGS = ("--languages=en,fr", "--embeddings=vanilla", "--retrieval=csls", "--csls_k=3", "--k=1,5", "--bootstrap=50",
         "--settings=before,null", "--weights=random", "--batch_tokens=512")  # fmt: skip


def write_sentences(path, names):
    """Two sentences of each concept in English; in French the same ones for every second concept, and others."""
    lines = ["id\tlanguage\tsentence"]
    for number, name in enumerate(names):
        for language in ("en", "fr"):
            code = 7919 * (number + (40 if language == "fr" and number % 2 else 0))
            lines += [f"{name}\t{language}\tItem {code} is [[w{code}]].", f"{name}\t{language}\tsee <w>{code}x</w>"]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_what_the_sentences_hold_is_found_and_nothing_else(tmp_path, capsys):
    """Vectors come from the sentences alone: the same in both languages are found, others at the rate of chance."""
    model = tiny.write_model(tmp_path / "model", tiny.LLAMA | {"num_hidden_layers": 1})
    listed = tiny.put_list(tmp_path)
    sentences = write_sentences(tmp_path / "mine.tsv", [f"c{number}" for number in range(20)])
    flags = [*FLAGS, f"--models={model}", f"--concepts={listed}", f"--contexts={sentences}", f"--workdir={tmp_path}"]
    assert bench.main(["bench", *flags]) == 0, capsys.readouterr().err
    folder = tmp_path / "run-0001"
    rows = {(row["embedding"], row["setting"]): row for row in report.read_rows(folder)
            if (row["source"], row["target"], row["metric"], row["subset"]) == ("en", "fr", "P@1", "all")}  # fmt: skip
    same = np.array([int(name[1:]) % 2 == 0 for name in json.loads((folder / "split.json").read_text())["test"]])
    assert 0 < same.sum() < len(same)
    with np.load(folder / "ranks.npz") as tables:
        (table,) = [tables[name] for name in tables.files if "context:mine" in name and "|before|" in name]
    assert (table[0, 1][same] == 1).all() and (table[0, 1][~same] > 1).all()
    in_context, bare = rows["context:mine", "before"], rows["vanilla", "before"]
    assert in_context["value"] == pytest.approx(same.mean()) and in_context["count"] == bare["count"] == len(same)
    assert (
        in_context["low"] <= in_context["value"] <= in_context["high"] and rows["context:mine", "null"]["value"] < 0.5
    )
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "<th scope=row>context:mine · concept</th>" in page and "Sentences around the words, mine" in page


def test_what_is_missing_is_refused_before_the_model_is_loaded_or_left_out(tmp_path, capsys):
    model = tiny.write_model(tmp_path / "model", tiny.LLAMA | {"num_hidden_layers": 1})
    sentences = write_sentences(tmp_path / "mine.tsv", [f"c{number}" for number in range(16)])
    flags = [*FLAGS, f"--models={model}", f"--concepts={tiny.put_list(tmp_path)}", f"--contexts={sentences}",
             f"--workdir={tmp_path / 'w'}"]  # fmt: skip
    assert bench.main(["bench", *flags]) == 2
    assert "4 of 20 concepts (c16, c17, c18, ...)" in capsys.readouterr().err
    assert not (tmp_path / "w").exists() or not list((tmp_path / "w").glob("run-*"))
    assert bench.main(["bench", *flags, "--missing=drop"]) == 0
    assert "16 after a sentence in every language" in capsys.readouterr().err
    split = json.loads((tmp_path / "w" / "run-0001" / "split.json").read_text())
    assert len(split["seed"]) + len(split["test"]) == 16
