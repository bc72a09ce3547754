"""The table that a file fills: repeated keys, sizes, memory."""

import numpy as np
import pytest

from jaxalign.embeddings import word2vec_format
from jaxalign.embeddings.vector_files import table
from jaxalign.embeddings.word2vec_format import ReadOptions
from jaxalign.types import InputError
from tests.embeddings.vector_files.written import put, text


def test_a_repeated_key_is_refused_or_its_first_row_kept(tmp_path, caplog):
    put(tmp_path, "en.vec", b"4 2\na 1 2\nb 3 4\na 5 6\nc 7 8\n")
    with pytest.raises(InputError, match=r"'a' again \(.*en.vec, line 4\). Give --repeated_keys=first"):
        word2vec_format.read_language(tmp_path, "en")
    keys, vectors = word2vec_format.read_language(tmp_path, "en", ReadOptions(repeated_keys="first"))
    assert keys == ("a", "b", "c") and "1 rows left out" in caplog.text
    np.testing.assert_array_equal(vectors, [[1, 2], [3, 4], [7, 8]])


def test_out_of_memory_names_what_helps_here(tmp_path, monkeypatch):
    put(tmp_path, "en.vec", text())

    def refuse(*_):
        raise MemoryError("Unable to allocate 9 GiB")

    monkeypatch.setattr(table.np, "empty", refuse)
    with pytest.raises(MemoryError, match=r"reading .*en.vec \(Unable to allocate 9 GiB\).*--max_vocabulary"):
        word2vec_format.read_language(tmp_path, "en")


def test_the_header_and_the_size_of_a_file(tmp_path):
    path = put(tmp_path, "en.vec", b"2 3\nrest")
    with (path / "en.vec").open("rb") as file:
        assert tuple(table.header(file, path / "en.vec")) == (2, 3) and file.read() == b"rest"
    table.check_size(path / "en.vec", 2, 5)
    with pytest.raises(InputError, match="too short"):
        table.check_size(path / "en.vec", 1, 11)


@pytest.mark.parametrize(("value", "message"), [(np.nan, "finite"), (1e39, "finite"), (0.0, "not zero")])
def test_a_row_that_is_not_finite_or_zero_is_named_by_its_line(tmp_path, value, message):
    made = table.Table(tmp_path / "en.vec", 2, 2, ReadOptions())
    with pytest.raises(InputError, match=f"{message}.*line 9"):
        made.add(["a", "b"], np.array([[1.0, 2.0], [value, value]]), [8, 9])
