"""Whole runs on planted spaces: what was planted is found again in results.jsonl, and nothing where nothing was."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import kstest

from jaxalign import bench
from jaxalign.embeddings import word2vec_format
from jaxalign.report import read_rows
from tests.conftest import planted

LANGUAGES = ("en", "fr", "ro", "fi")


def run(tmp_path: Path, capsys, *flags: str) -> list[dict]:
    """Rows of a run through the command line."""
    assert bench.main(["bench", f"--workdir={tmp_path / 'runs'}", *flags]) == 0, capsys.readouterr().err
    folder = Path(json.loads(capsys.readouterr().out.splitlines()[-1])["run"])
    return read_rows(folder)


def figure(rows: list[dict], subset: str, metric: str = "P@1", setting: str = "after") -> dict:
    """The row of the mean over all pairs."""
    wanted = dict(source="mean", target="mean", subset=subset, metric=metric, setting=setting)
    (row,) = [row for row in rows if all(row[name] == value for name, value in wanted.items())]
    return row


def write_spaces(folder: Path, noise: np.ndarray) -> list[str]:
    """A folder of LANG.vec: one latent space, rotated for each language, each concept blurred by its own noise."""
    ids = [f"c{i}" for i in range(len(noise))]
    spaces = planted(0, len(noise), 40, LANGUAGES, noise, spread=(1, 1))
    word2vec_format.write_folder(folder, ids, spaces)
    return ids


@pytest.mark.slow
@pytest.mark.parametrize("cause", ["frequency", "kind"])
def test_a_gap_from_frequency_disappears_in_matched_samples_and_another_stays(cause, tmp_path, capsys):
    """Abstract words are more frequent. In one run frequency decides how blurred a vector is, in the other the kind."""
    rng = np.random.default_rng(1)
    abstract = np.arange(1200) % 3 == 0
    zipf = np.round(rng.normal(3.5 + 1.2 * abstract, 0.9), 2)
    senses = rng.poisson(2, 1200) + 1  # of no consequence
    hard = np.clip(2.0 - 0.3 * zipf, 0.1, None) if cause == "frequency" else np.where(abstract, 0.7, 1.1)
    ids = write_spaces(tmp_path / "spaces", hard)
    lines = ["id\tkind\ttrait:frequency\ttrait:senses\t" + "\t".join(LANGUAGES)]
    for i, name in enumerate(ids):
        kind = "abstract" if abstract[i] else "physical"
        lines.append("\t".join([name, kind, str(zipf[i]), str(senses[i]), *(f"{code}{i}" for code in LANGUAGES)]))
    (tmp_path / "list.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    rows = run(tmp_path, capsys, f"--spaces={tmp_path / 'spaces'}", f"--concepts={tmp_path / 'list.tsv'}",
               "--controls=matched", "--retrieval=csls", "--settings=before,after", "--seed_size=400",
               "--languages=" + ",".join(LANGUAGES))  # fmt: skip
    matched = "abstract_matched_frequency - physical_matched_frequency"
    raw, same, senses_only = (figure(rows, subset) for subset in (
        "abstract - physical", matched, "abstract_matched_senses - physical_matched_senses"))  # fmt: skip
    assert raw["value"] > 0.1 and figure(rows, "abstract - physical", "P@1_p")["value"] < 0.01
    assert senses_only["value"] > 0.1  # matching on something else changes nothing
    assert abs(figure(rows, matched, "difference_frequency", "balance")["value"]) < 0.1
    assert abs(figure(rows, "abstract - physical", "difference_frequency", "balance")["value"]) > 0.8
    assert figure(rows, "abstract_matched_frequency")["count"] > 100
    p = figure(rows, matched, "P@1_p")["value"]
    if cause == "frequency":
        assert abs(same["value"]) < 0.05 < raw["value"] / 2 and same["low"] < 0 < same["high"] and p > 0.05
    else:
        assert same["value"] > 0.1 and same["low"] > 0 and p < 0.01
    together = figure(rows, "abstract_matched - physical_matched")["value"]
    assert together == pytest.approx(same["value"], abs=0.06)


def test_frequencies_of_english_words_are_found_for_ids_of_the_lexicon(tmp_path, capsys):
    """A folder of spaces without English still has its concepts' English words, which wordfreq knows."""
    pytest.importorskip("wordfreq", reason="needs wordfreq, of the study extra")
    from jaxalign.concepts import dataset

    known = dataset.load("builtin", ("fr", "fi"))
    rng = np.random.default_rng(0)
    latent = rng.normal(size=(len(known.ids), 12))
    word2vec_format.write_folder(
        tmp_path / "s", known.ids, {code: latent + rng.normal(size=latent.shape) for code in known.words}
    )
    rows = run(tmp_path, capsys, f"--spaces={tmp_path / 's'}", "--controls=matched", "--retrieval=nn", "--bootstrap=20")
    found = figure(rows, "abstract_matched_frequency - physical_matched_frequency", "difference_frequency", "balance")
    assert abs(found["value"]) < 0.1 and found["count"] > 10


def p_values(rows: list[dict], metric: str, setting: str, subset: str = "all") -> list[float]:
    return [
        row["value"]
        for row in rows
        if row["metric"] == metric and (row["setting"], row["subset"]) == (setting, subset)
        if "mean" not in (row["source"], row["target"])
    ]


@pytest.mark.slow
def test_a_shuffled_dictionary_gives_uniform_p_values(tmp_path, capsys):
    """Fourteen languages whose rows are shuffled: 182 pairs without anything to find, then the same with it."""
    rng = np.random.default_rng(2)
    codes = [f"{a}{b}" for a in "ab" for b in "abcdefg"]
    latent = rng.normal(size=(200, 24))
    like = {code: latent + 0.4 * rng.normal(size=latent.shape) for code in codes}
    ids = [f"c{i}" for i in range(200)]
    word2vec_format.write_folder(tmp_path / "true", ids, like)
    word2vec_format.write_folder(
        tmp_path / "shuffled", ids, {code: rng.permutation(rows) for code, rows in like.items()}
    )
    common = ["--retrieval=csls", "--settings=before,after,null", "--seed_size=100"]
    rows = run(tmp_path, capsys, f"--spaces={tmp_path / 'shuffled'}", *common)
    for metric, setting in (("P@1_p", "after"), ("P@1_p", "before"), ("P@1_p", "null"), ("MRR_p", "after - before"),
                            ("MRR_p", "after - null")):  # fmt: skip
        found = p_values(rows, metric, setting)
        assert len(found) == 182 and kstest(found, "uniform").pvalue > 0.01, (metric, setting)
        assert min(found) > 0
    rows = run(tmp_path, capsys, f"--spaces={tmp_path / 'true'}", *common)
    assert max(p_values(rows, "P@1_p", "after")) <= 1 / 1000
    assert max(p_values(rows, "MRR_p", "after - null")) <= 0.01
    # A map of shuffled seeds finds nothing even where there is something to find.
    null = p_values(rows, "P@1_p", "null")
    assert kstest(null, "uniform").pvalue > 0.001 and np.mean(np.array(null) < 0.05) < 0.12
