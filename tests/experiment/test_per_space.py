"""What is asked of one space."""

import numpy as np
import pytest

from jaxalign import bench
from jaxalign.embeddings import word2vec_format
from jaxalign.report import read_rows


def test_a_constant_space_is_no_perfect_score(tmp_path, capsys):
    ids = tuple(f"c{i}" for i in range(30))
    rows = np.ones((30, 4), np.float32)
    word2vec_format.write_folder(tmp_path / "spaces", ids, {"en": rows, "fr": rows})
    flags = [f"--spaces={tmp_path / 'spaces'}", f"--workdir={tmp_path / 'w'}", "--normalize=none"]
    assert bench.main(["bench", *flags]) == 2
    assert "one vector for all concepts" in capsys.readouterr().err


def test_constant_files_are_refused_before_anything_is_computed(tmp_path, capsys, monkeypatch):
    ids, rng = tuple(f"c{i}" for i in range(30)), np.random.default_rng(0)
    spaces = {"en": rng.normal(size=(30, 4)), "fr": np.outer(np.arange(1, 31), [1.0, 2.0, 3.0, 4.0])}  # one direction
    word2vec_format.write_folder(tmp_path / "spaces", ids, spaces)
    monkeypatch.setattr("jaxalign.experiment.inputs.splits_of", lambda *_: pytest.fail("the run went on"))
    flags = [f"--spaces={tmp_path / 'spaces'}", f"--workdir={tmp_path / 'w'}"]
    for more in ([], ["--dry_run"]):
        assert bench.main(["bench", *flags, *more]) == 2
        assert "one vector for all concepts in fr. Leave these out of --languages, or change --spaces." in (
            capsys.readouterr().err
        )
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize(("abstract", "kept"), [(30, False), (18, True)])
def test_physical_down_has_rows_of_its_own_only_where_it_is_not_physical(tmp_path, abstract, kept):
    rng, ids = np.random.default_rng(0), [f"c{number}" for number in range(60)]
    kinds = ["abstract" if number < abstract else "physical" for number in range(60)]
    spaces = {code: rng.normal(size=(60, 5)) for code in ("en", "fr")}
    word2vec_format.write_folder(tmp_path / "spaces", ids, spaces)
    lines = [f"{name}\t{kind}\t{name}\t{name}" for name, kind in zip(ids, kinds, strict=True)]
    (tmp_path / "list.tsv").write_text("\n".join(["id\tkind\ten\tfr", *lines]))
    flags = [f"--spaces={tmp_path / 'spaces'}", f"--concepts={tmp_path / 'list.tsv'}", f"--workdir={tmp_path / 'w'}",
             "--settings=before,after", "--retrieval=nn", "--bootstrap=20", "--answers=all"]  # fmt: skip
    assert bench.main(["bench", *flags]) == 0
    subsets = {row["subset"] for row in read_rows(tmp_path / "w" / "run-0001")}
    assert ("physical_down" in subsets, "abstract - physical_down" in subsets) == (kept, kept)
    page = (tmp_path / "w" / "run-0001" / "report.md").read_text(encoding="utf-8")
    assert "Abstract and physical concepts" in page and ("physical_down: physical concepts" in page) == kept
