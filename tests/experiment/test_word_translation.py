"""Word translation from the command line, on planted vocabularies of different sizes."""

import json

import numpy as np
import pytest

from jaxalign import bench
from jaxalign.embeddings import word2vec_format
from jaxalign.metrics import gains
from jaxalign.report import read_rows


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
    rows = read_rows(tmp_path / "run-0001")
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
        ({"kernel": "pallas"}, "Expected a TPU for --kernel=pallas, got cpu"),
        ({"seed_dictionary": "/nowhere/seed.txt"}, "Change --seed_dictionary"),
    ],
)
def test_wrong_input(place, tmp_path, capsys, changes, said):
    assert bench.main(command(place, tmp_path, **changes)) == 2
    assert said in capsys.readouterr().err


def test_widths_are_compared_before_the_vocabularies_are_read(place, tmp_path, capsys):
    (tmp_path / "spaces").mkdir()
    (tmp_path / "spaces" / "en.vec").write_text("1 2\nnot read\n")
    (tmp_path / "spaces" / "fr.vec").write_text("1 3\nnot read\n")
    assert bench.main(command(place, tmp_path / "w", spaces=tmp_path / "spaces")) == 2
    assert "one dimension in all files, got en.vec with 2, fr.vec with 3" in capsys.readouterr().err


def test_words_in_both_dictionaries_are_refused(place, tmp_path, capsys):
    assert bench.main(command(place, tmp_path, dictionary=place / "seed.txt")) == 2
    assert "200 in both" in capsys.readouterr().err


def rows_of(tmp_path) -> dict:
    lines = (tmp_path / "run-0001" / "results.jsonl").read_text().splitlines()
    return {(row["setting"], row["retrieval"], row["subset"], row["metric"]): row for row in map(json.loads, lines)}


def test_byte_order_marks_lose_no_pair(place, tmp_path, capsys):
    """Both files: the first pair was dropped (39 queries of 40)."""
    files = {}
    for name in ("test", "seed"):
        files[name] = tmp_path / f"{name}.txt"
        files[name].write_bytes(b"\xef\xbb\xbf" + (place / f"{name}.txt").read_bytes() + b"\n# end\n\n")
    assert bench.main(command(place, tmp_path, dictionary=files["test"], seed_dictionary=files["seed"])) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert said["queries"] == 100 and said["coverage"]["seed"]["known_pairs"] == 200


def test_constant_vectors_are_refused(tmp_path, capsys):
    """Six words on one direction: P@1 was 100 %, where every answer ties with all others."""
    spaces = tmp_path / "spaces"
    spaces.mkdir()
    (spaces / "en.vec").write_text("6 2\na 1 0\nb 0 1\nc -1 0\nd 0 -1\ne 0.6 0.8\nf 0.8 -0.6\n")
    (spaces / "fr.vec").write_text("6 2\n" + "".join(f"{word} 1 2\n" for word in "ABCDEF"))
    (tmp_path / "seed.txt").write_text("a A\nb B\nc C\n")
    (tmp_path / "test.txt").write_text("d D\ne E\nf F\n")
    for steps in ("none", "unit,center,unit"):
        flags = command(tmp_path, tmp_path / "w", csls_k=2, normalize=steps)
        assert bench.main(flags) == 2 and "words of fr" in capsys.readouterr().err


def test_ties_never_profit(tmp_path, capsys):
    """Half of the test words on one vector, as similar rare words are: against float64 NumPy, ties counted singly."""
    rng = np.random.default_rng(1)
    source = rng.standard_normal((80, 10)).astype(np.float32)
    target = source @ np.linalg.qr(rng.standard_normal((10, 10)))[0].astype(np.float32)
    source[40::2] = source[40] + 0.01 * rng.standard_normal((20, 10))
    target[40::2] = target[40]
    for code, rows in (("en", source), ("fr", target)):
        word2vec_format.write_folder(tmp_path / "spaces", [f"{code}{i}" for i in range(80)], {code: rows})
    (tmp_path / "seed.txt").write_text("".join(f"en{i} fr{i}\n" for i in range(1, 40, 2)))
    (tmp_path / "test.txt").write_text("".join(f"en{i} fr{i}\n" for i in range(40, 80)))
    flags = command(tmp_path, tmp_path / "w", normalize="none", retrieval="nn", settings="after", k="1,5")
    assert bench.main(flags) == 0
    found = rows_of(tmp_path / "w")
    x, y = (rows.astype(np.float64) for rows in (source, target))
    left, _, right = np.linalg.svd(x[1:40:2].T @ y[1:40:2])
    x = x @ left @ right
    scores = (x / np.linalg.norm(x, axis=1, keepdims=True)) @ (y / np.linalg.norm(y, axis=1, keepdims=True)).T
    own = scores[np.arange(40, 80), np.arange(40, 80)][:, None]
    ties = (np.abs(scores[40:] - own) < 1e-9).sum(1) - 1
    ranks = (scores[40:] > own + 1e-9).sum(1) + 1
    at_one = np.where(ranks == 1, 1 / (ties + 1), 0).mean()
    value = {metric: found["after", "nn", "all", metric]["value"] for metric in ("P@1", "P@5", "ties", "MRR")}
    assert value["ties"] == 0.5 and value["P@1"] == pytest.approx(at_one) and at_one == pytest.approx(0.525)
    assert value["P@5"] == pytest.approx(np.clip((6 - ranks) / (ties + 1), 0, 1).mean())
    assert value["MRR"] == pytest.approx((1 / (ranks + ties / 2)).mean())
    assert found["after", "nn", "all", "P@1_strict"]["value"] == pytest.approx((ranks + ties == 1).mean())
    assert found["after", "nn", "all", "P@1_best"]["value"] == pytest.approx((ranks == 1).mean()) == 1


def test_shared_spaces_give_the_value_between_both_sides(shared, tmp_path, capsys):
    """en-fr, 600 seeds, 242 tests: 75.62 % in random order of ties (MUSE's code 74.79, vecmap's 74.38)."""
    known = [
        {line.split(" ", 1)[0]: None for line in (shared / "spaces" / f"{code}.vec").read_text().splitlines()[1:]}
        for code in ("en", "fr")
    ]
    words = [word for word in known[0] if word in known[1]]
    order = np.random.default_rng(0).permutation(len(words))
    for name, rows in (("seed", order[:600]), ("test", order[600:842])):
        (tmp_path / f"{name}.txt").write_text("".join(f"{words[row]} {words[row]}\n" for row in rows))
    flags = command(tmp_path, tmp_path / "w", spaces=shared / "spaces", retrieval="csls", k="1")
    assert bench.main(flags) == 0
    found = rows_of(tmp_path / "w")
    percent = {m: 100 * found["after", "csls", "all", m]["value"] for m in ("P@1", "P@1_strict", "P@1_best")}
    assert percent == pytest.approx({"P@1": 75.62, "P@1_strict": 73.14, "P@1_best": 78.10}, abs=0.005)


def test_low_coverage_is_a_warning_on_screen_in_rows_and_on_the_page(place, tmp_path, capsys):
    """A dictionary in the wrong order: 2 of 40 words are known, and P@1 was 100 % without a word."""
    (tmp_path / "test.txt").write_text("".join(f"f{i} e{i}\n" for i in range(300, 338)) + "e300 f300\ne301 f301\n")
    assert bench.main(command(place, tmp_path, dictionary=tmp_path / "test.txt")) == 0
    output = capsys.readouterr()
    text = "est dictionary: 2 of 40 source words (5.0 %) and 2 of 40 pairs have vectors; unknown: 38 source words"
    assert f"warning: t{text}" in output.err
    found = rows_of(tmp_path)
    assert found["dictionary", "none", "test", "coverage"]["value"] == pytest.approx(0.05)
    assert found["dictionary", "none", "test", "unknown_target_words"]["value"] == 38
    assert f"T{text}" in (tmp_path / "run-0001" / "report.html").read_text()


def test_intervals_at_the_ends_have_a_width(place, tmp_path):
    """Wilson's bound at 0 and 1: of 100 queries [0, .037] and [.963, 1]."""
    assert bench.main(command(place, tmp_path, retrieval="nn")) == 0
    row = rows_of(tmp_path)["after", "nn", "all", "P@1"]
    assert (row["value"], row["high"]) == (1, 1) and row["low"] == pytest.approx(100 / (100 + 1.959964**2))
    difference = rows_of(tmp_path)["after - before", "nn", "all", "P@1"]
    assert difference["value"] > 0.9 and rows_of(tmp_path)["after - before", "nn", "all", "P@1_p"]["value"] <= 0.001
    chance = rows_of(tmp_path)["chance", "nn", "all", "P@1"]["value"]
    assert chance == gains.chance("P@1", 550)


def test_the_null_is_the_fit_of_a_shuffled_seed_dictionary(place, tmp_path, capsys):
    """Against float64 NumPy: the target words of the seed pairs permuted, the same queries and candidates."""
    flags = command(place, tmp_path, normalize="none", retrieval="nn", k="1,5", null_draws=2)
    assert bench.main(flags) == 0
    assert "en-fr null nn P@1" in capsys.readouterr().out
    rows = rows_of(tmp_path)
    source, target = (
        word2vec_format.read_language(place / "spaces", code)[1].astype(np.float64) for code in ("en", "fr")
    )
    answers = {row: [row, row + 200] if row < 250 else [row] for row in range(200, 300)}
    hits = []
    for draw in range(2):
        order = np.random.default_rng([0, draw]).permutation(200)
        left, _, right = np.linalg.svd(source[:200].T @ target[:200][order])
        mapped, known = ((one / np.linalg.norm(one, axis=1, keepdims=True)) for one in (source @ left @ right, target))
        scores = mapped @ known.T
        ranks = [
            1 + min((scores[query] > scores[query, own]).sum() for own in right) for query, right in answers.items()
        ]
        hits.append(np.array(ranks) <= 5)
    null = rows["null", "nn", "all", "P@5"]
    assert null["value"] == pytest.approx(np.mean(hits)) and null["low"] <= null["value"] <= null["high"] < 0.1
    gap = rows["after - null", "nn", "all", "P@1"]
    assert gap["value"] == pytest.approx(1 - rows["null", "nn", "all", "P@1"]["value"]) and gap["low"] > 0.9
    page = (tmp_path / "run-0001" / "report.md").read_text()
    assert "shuffled dictionary" in page
