"""What is asked of one space."""

import numpy as np

from jaxalign import bench
from jaxalign.embeddings import word2vec_format


def test_a_constant_space_is_no_perfect_score(tmp_path, capsys):
    ids = tuple(f"c{i}" for i in range(30))
    rows = np.ones((30, 4), np.float32)
    word2vec_format.write_folder(tmp_path / "spaces", ids, {"en": rows, "fr": rows})
    flags = [f"--spaces={tmp_path / 'spaces'}", f"--workdir={tmp_path / 'w'}", "--normalize=none"]
    assert bench.main(["bench", *flags]) == 2
    assert "one vector for all concepts" in capsys.readouterr().err
