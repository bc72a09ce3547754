"""Refinement of word translation: planted vocabularies with few seeds, identical words, and the null of both."""

import numpy as np
import pytest

from jaxalign import bench
from jaxalign.embeddings import word2vec_format
from jaxalign.experiment.translation import dictionary_files
from jaxalign.report import read_rows
from jaxalign.types import InputError

ALIKE = 40  # words that both languages write alike, 20 of them with the same meaning


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """600 words, the other language turned, with noise; 40 words are written alike, half of these by chance."""
    root, draw = tmp_path_factory.mktemp("refine"), np.random.default_rng(0)
    source = draw.standard_normal((600, 40)) * np.arange(1, 41) ** -0.5
    noise = 0.4 * draw.standard_normal((600, 40)) * np.arange(1, 41) ** -0.5
    target = (source + noise) @ np.linalg.qr(draw.standard_normal((40, 40)))[0]
    english = [f"e{i}" for i in range(600)]
    french = [f"f{i}" for i in range(600)]
    french[:20] = english[:20]
    french[20:40] = english[40:60]  # false friends
    for code, words, rows in (("en", english, source), ("fr", french, target)):
        word2vec_format.write_folder(root / "spaces", words, {code: rows.astype(np.float32)})
    (root / "seed.txt").write_text("".join(f"e{i} f{i}\n" for i in range(60, 72)))
    (root / "test.txt").write_text("".join(f"e{i} f{i}\n" for i in range(100, 600)))
    return root


def scores(place, workdir, **changes) -> dict:
    files = dict(spaces=place / "spaces", dictionary=place / "test.txt", seed_dictionary=place / "seed.txt")
    flags = files | dict(languages="en,fr", workdir=workdir, retrieval="csls", k="1") | changes
    assert bench.main(["bench", *(f"--{name}={value}" for name, value in flags.items())]) == 0
    return {row["setting"]: row for row in read_rows(workdir / "run-0001") if row["metric"] == "P@1"}


@pytest.mark.parametrize("seed", ["file", "identical"])
def test_refinement_finds_the_planted_turn_and_its_null_does_not(place, tmp_path, seed):
    changes = {} if seed == "file" else {"seed_dictionary": "identical"}
    found = scores(place, tmp_path, refine="4", **changes)
    assert found["refined"]["value"] > found["after"]["value"] + 0.1
    assert found["refined"]["value"] > 0.5 and found["refined_null"]["value"] < 0.05
    gain = found["refined - after"]
    assert gain["low"] > 0 and gain["value"] == pytest.approx(
        found["refined"]["value"] - found["after"]["value"], abs=1e-6
    )
    assert found["refined"]["seed_size"] == (12 if seed == "file" else ALIKE)


def test_without_refinement_nothing_is_added(place, tmp_path):
    assert not any(name.startswith("refined") for name in scores(place, tmp_path))


def test_identical_words_leave_the_test_words_out():
    assert dictionary_files.identical(["a", "b", "c", "b"], ["c", "b", "d"], {"c"}) == [("b", "b")]
    with pytest.raises(InputError, match="--seed_dictionary=identical"):
        dictionary_files.identical(["a", "c"], ["c"], {"c"})
