"""What is asked of one space."""

import numpy as np
import pytest

from jaxalign import bench
from jaxalign.embeddings import word2vec_format


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
