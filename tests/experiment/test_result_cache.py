"""Ranks and rows come back as they were written; a damaged file counts as absent; keys tell what differs."""

import io

import numpy as np
import pyarrow.parquet
import pytest

from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.evaluation.result import Ranks, SettingRanks
from jaxalign.experiment import result_cache
from jaxalign.metrics.rows import Place, result_row
from jaxalign.types import Space, SpaceLabel, Split


def made(seed=0):
    rng = np.random.default_rng(seed)
    tables = [rng.integers(1, 99, (3, 2, 2, 5)).astype(np.int32) for _ in range(2)]
    heads = (("before", 0, 0), ("after", 20, 0))
    return Ranks(("en", "fr"), tuple(SettingRanks(*head, *table) for head, table in zip(heads, tables, strict=True)))


def test_ranks_and_rows_come_back(tmp_path):
    result_cache.write(tmp_path / "a" / "one.ranks", made())
    back = result_cache.read(tmp_path / "a" / "one.ranks")
    assert back.languages == ("en", "fr")
    for want, table in zip(made().tables, back.tables, strict=True):
        assert want[:3] == table[:3] and all((x == y).all() for x, y in zip(want[3:], table[3:], strict=True))
    rows = [result_row(Place(model="é", metric=name), 0.1, 5, 0.05, 0.25) for name in ("P@1", "MRR")]
    result_cache.write_rows(tmp_path / "rows", rows)
    assert result_cache.read_rows(tmp_path / "rows") == rows
    packed = io.BytesIO((tmp_path / "rows").read_bytes()[16:])
    assert pyarrow.parquet.read_table(packed).column("metric").to_pylist() == ["P@1", "MRR"]
    result_cache.write_rows(tmp_path / "empty", [])
    assert result_cache.read_rows(tmp_path / "empty") == []
    assert result_cache.read(tmp_path / "none") is None and result_cache.read_rows(tmp_path / "none") is None


@pytest.mark.parametrize("place", [0, 20, -1])
def test_a_changed_byte_makes_a_file_absent(tmp_path, place):
    path = tmp_path / "one.ranks"
    result_cache.write(path, made())
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    assert result_cache.read(path) is None


def test_a_key_tells_vectors_split_options_and_languages_apart():
    vectors = {"en": np.ones((4, 2), np.float32), "fr": np.zeros((4, 2), np.float32)}
    space, split = Space(SpaceLabel("m", "vanilla", "last", 0), ("a", "b", "c", "d"), vectors), Split(("a",), ("b",))
    options = AlignmentOptions().key()
    other = {"en": vectors["en"], "fr": vectors["fr"] + np.float32(1e-7)}
    keys = {
        result_cache.digest(space, split, "pairs", options),
        result_cache.digest(space, Split(("a",), ("c",)), "pairs", options),
        result_cache.digest(space, split, "gpa", options),
        result_cache.digest(space, split, "pairs", AlignmentOptions(csls_k=9).key()),
        result_cache.digest(space._replace(vectors=other), split, "pairs", options),
        result_cache.digest(space._replace(vectors=dict(reversed(vectors.items()))), split, "pairs", options),
    }
    assert len(keys) == 6
    assert result_cache.digest(space, split, "pairs", AlignmentOptions(tile=16).key()) in keys  # changes no rank
