"""Text files of word vectors: keys, numbers, line ends."""

import io
from pathlib import Path

import numpy as np
import pytest

from jaxalign.embeddings import word2vec_format
from jaxalign.embeddings.vector_files import text as text_module
from jaxalign.embeddings.word2vec_format import ReadOptions
from jaxalign.types import InputError
from tests.embeddings.vector_files.written import put


def test_keys_may_hold_spaces_the_values_are_the_last_fields(tmp_path):
    put(tmp_path, "en.vec", b"3 2\n. . . 1 2\nat name@domain.com 3 4\nNew York 5 6\n")
    keys, vectors = word2vec_format.read_language(tmp_path, "en")
    assert keys == (". . .", "at name@domain.com", "New York")
    np.testing.assert_array_equal(vectors, [[1, 2], [3, 4], [5, 6]])


def test_a_key_may_hold_numbers_and_a_row_of_another_width_is_none(tmp_path):
    """A whole number before values with a point is part of the key: fields of other values are a wider row."""
    put(tmp_path, "en.vec", b"4 2\ncatch 22 0.5 -1.5\nworld war 2 0.25 3\n1 1/2 1.5 2\npita nan 1.5 2.5\n")
    keys, vectors = word2vec_format.read_language(tmp_path, "en")
    assert keys == ("catch 22", "world war 2", "1 1/2", "pita nan")
    np.testing.assert_array_equal(vectors, [[0.5, -1.5], [0.25, 3], [1.5, 2], [1.5, 2.5]])
    for line in (b"a 1 2 3", b"a 1.5 2.5 3.5", b"a 1 2.5 3 1e2"):
        put(tmp_path, "en.vec", b"1 2\n" + line + b"\n")
        with pytest.raises(InputError, match="a key and 2 values.*line 2"):
            word2vec_format.read_language(tmp_path, "en")


def read(data, most=0):
    return text_module.read_text(io.BytesIO(data), Path("/dev/zero"), ReadOptions(most=most))


def test_line_ends_and_the_exact_float32_of_each_number(monkeypatch):
    monkeypatch.setattr(text_module, "check_size", lambda *_: None)
    for end in (b"\n", b"\r\n", b" \n"):
        found = read(b"2 2" + end + b"a 0.1 1e-3" + end + b"b -3 4" + end + end)
        assert found.keys == ("a", "b")
        np.testing.assert_array_equal(found.vectors, np.array([[0.1, 1e-3], [-3, 4]], np.float32))
    assert read(b"2 2\na 1 2\nb 3 4\n", most=1).keys == ("a",)
    with pytest.raises(InputError, match="Expected 3 vectors as the header says, got 2"):
        read(b"3 2\na 1 2\nb 3 4\n")
    with pytest.raises(InputError, match="a key before the values"):
        read(b"1 2\n 1 2\n")
