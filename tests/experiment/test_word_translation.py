"""Word translation from the command line, on planted vocabularies of different sizes."""

import json

import numpy as np
import pytest

from jaxalign import bench
from jaxalign.embeddings import word2vec_format


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Two vocabularies, one the other turned, with noise; dictionaries with two right answers for some words."""
    root = tmp_path_factory.mktemp("dictionary")
    rng = np.random.default_rng(0)
    source = rng.standard_normal((400, 20)).astype(np.float32)
    turn = np.linalg.qr(rng.standard_normal((20, 20)))[0]
    target = np.concatenate(
        [source[:300] @ turn + 0.05 * rng.standard_normal((300, 20)), rng.standard_normal((250, 20))]
    )
    words = {"en": [f"e{i}" for i in range(400)], "fr": [f"f{i}" for i in range(550)]}
    for code, rows in (("en", source), ("fr", target.astype(np.float32))):
        word2vec_format.write_folder(root / "spaces", words[code], {code: rows})
    (root / "seed.txt").write_text("".join(f"e{i} f{i}\n" for i in range(200)) + "e399 nowhere\n")
    pairs = [f"e{i} f{i}" for i in range(200, 300)] + [f"e{i} f{i + 200}" for i in range(200, 250)]
    (root / "test.txt").write_text("\n".join(pairs) + "\n")
    return root


def command(place, tmp_path, **changes) -> list[str]:
    files = dict(spaces=place / "spaces", dictionary=place / "test.txt", seed_dictionary=place / "seed.txt")
    flags = files | dict(languages="en,fr", workdir=tmp_path, normalize="unit,center,unit") | changes
    return ["bench", *(f"--{name}={value}" for name, value in flags.items())]


def test_planted_turn_is_found(place, tmp_path, capsys):
    assert bench.main(command(place, tmp_path)) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (said["queries"], said["pairs_left_out"]) == (100, {"seed": 1, "test": 0})
    rows = [json.loads(line) for line in (tmp_path / "run-0001" / "results.jsonl").read_text().splitlines()]
    value = {(row["setting"], row["retrieval"]): row["value"] for row in rows if row["metric"] == "P@1"}
    assert value["after", "csls"] == value["after", "nn"] == 1.0 and value["before", "csls"] < 0.1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"languages": "fr,en,fr"}, "repeats"),
        ({"seed_dictionary": ""}, "--seed_dictionary"),
        ({"spaces": ""}, "--spaces"),
        ({"dictionary": "/nowhere/test.txt"}, "/nowhere"),
        ({"csls_k": "5000"}, "csls_k"),
    ],
)
def test_wrong_input(place, tmp_path, capsys, changes, said):
    assert bench.main(command(place, tmp_path, **changes)) == 2
    assert said in capsys.readouterr().err


def test_words_in_both_dictionaries_are_refused(place, tmp_path, capsys):
    assert bench.main(command(place, tmp_path, dictionary=place / "seed.txt")) == 2
    assert "200 in both" in capsys.readouterr().err
