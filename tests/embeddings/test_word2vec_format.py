"""LANG.vec folders: exact there and back, and every mistake with its line."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxalign.embeddings import word2vec_format
from jaxalign.embeddings.vector_files import table
from jaxalign.types import InputError

floats = st.floats(width=32, allow_nan=False, allow_infinity=False)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(floats, floats), min_size=1, max_size=8))
def test_there_and_back_is_exact(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("vec")
    rows = [(a, b or 1.0) for a, b in rows]
    ids = [f"concept {i}" for i in range(len(rows))]
    vectors = {"en": np.array(rows, np.float32), "fr": -np.array(rows, np.float32)}
    word2vec_format.write_folder(folder, ids, vectors)
    keys, found = word2vec_format.read_folder(folder)
    assert keys == tuple(key.replace(" ", "_") for key in ids)
    for language, want in vectors.items():
        assert found[language].dtype == np.float32
        np.testing.assert_array_equal(found[language], want)


def test_rows_are_aligned_on_shared_keys(tmp_path):
    (tmp_path / "en.vec").write_text("3 2\na 1 2\nb 3 4\nc 5 6\n", encoding="utf-8")
    (tmp_path / "fr.vec").write_text("3 2\nc 50 60\nd 7 8\na 10 20\n", encoding="utf-8")
    assert word2vec_format.languages(tmp_path) == ("en", "fr")
    keys, found = word2vec_format.read_folder(tmp_path, ["fr", "en"])
    assert keys == ("c", "a") and list(found) == ["fr", "en"]
    np.testing.assert_array_equal(found["en"], [[5, 6], [1, 2]])
    np.testing.assert_array_equal(found["fr"], [[50, 60], [10, 20]])


@pytest.mark.parametrize("content, message", [
    (b"", "line 1"), (b"2\n", "line 1"), (b"x y\n", "line 1"), (b"0 2\n", "line 1"), (b"3 2\na 1 2\n", "header says"),
    (b"2 2\na 1 2\nb 1\n", "line 3"), (b"1 2\na 1 2 3\n", "line 2"), (b"1 2\na 1 x\n", "line 2"),
    (b"1 2\na 1 nan\n", "line 2"), (b"1 2\na inf 1\n", "line 2"), (b"1 2\na 1e60 1\n", "line 2"),
    (b"2 2\na 1 2\nb 0 0\n", "line 3"), (b"3 2\na 1 2\nb 1 2\na 3 4\n", "line 4"), (b"1 2\n\xff\xfe 1 2\n", "UTF-8"),
    ("1 2\na 1 2\n".encode("utf-16"), "UTF-8"), (b"1 2\na  1\n", "line 2"),
])  # fmt: skip
def test_mistakes_are_named(tmp_path, content, message):
    (tmp_path / "en.vec").write_bytes(content)
    with pytest.raises(InputError, match=message):
        word2vec_format.read_folder(tmp_path)


def test_wrong_folders_are_named(tmp_path):
    with pytest.raises(InputError, match="--spaces"):
        word2vec_format.read_folder(tmp_path / "none")
    with pytest.raises(InputError, match=r"LANG.vec, LANG.vec.gz, LANG.bin, LANG.npy.*got none. Correct --spaces"):
        word2vec_format.read_folder(tmp_path)
    (tmp_path / "en.vec").write_text("1 2\na 1 2\n", encoding="utf-8")
    (tmp_path / "fr.vec").write_text("1 3\na 1 2 3\n", encoding="utf-8")
    (tmp_path / "fi.vec").write_text("1 2\nb 1 2\n", encoding="utf-8")
    with pytest.raises(InputError, match="one dimension"):
        word2vec_format.read_folder(tmp_path, ["en", "fr"])
    with pytest.raises(InputError, match="share"):
        word2vec_format.read_folder(tmp_path, ["en", "fi"])
    with pytest.raises(InputError, match="de"):
        word2vec_format.read_folder(tmp_path, ["en", "de"])
    with pytest.raises(InputError, match="differ"):
        word2vec_format.write_folder(tmp_path, ["a b", "a_b"], {})


@settings(max_examples=150, deadline=None)
@given(st.one_of(
    st.binary(max_size=80),
    st.lists(
        st.sampled_from(["a", "b", "1", "-2.5", "nan", "1e99", "", " ", "\n", "\t", "0", "\u2028", "２"]), max_size=14
    ).map(lambda parts: ("1 2\n" + " ".join(parts)).encode()),
))  # fmt: skip
def test_any_file_reads_or_is_an_input_error(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("fuzz") / "en.vec"
    path.write_bytes(data)
    try:
        keys, vectors = word2vec_format.read(path)
    except InputError:
        return
    assert len(keys) == len(vectors) and np.isfinite(vectors).all()


def test_real_spaces(shared):
    keys, found = word2vec_format.read_folder(shared / "spaces")
    assert len(found) == 6 and found["en"].shape == (len(keys), 128) and len(keys) > 800


def test_an_exporters_folder_names_its_subfolders(tmp_path):
    word2vec_format.write_folder(tmp_path / "demo-vanilla-last-2", ["a"], {"en": np.ones((1, 2))})
    with pytest.raises(InputError, match=r"got folders of them: demo-vanilla-last-2. Give .*--spaces=.*demo-vanilla"):
        word2vec_format.languages(tmp_path)


def test_any_name_is_a_language_and_a_long_list_is_cut(tmp_path):
    names = [f"l{number:02d}" for number in range(60)]
    word2vec_format.write_folder(tmp_path, ["a", "b"], {name: np.ones((2, 2)) for name in names})
    assert word2vec_format.languages(tmp_path) == tuple(names)
    with pytest.raises(InputError, match="Expected vectors of en, fr in .*l00, .*l07 and 52 more. Correct --languages"):
        word2vec_format.read_folder(tmp_path, ["en", "l01", "fr"])


def test_two_files_of_one_language_are_refused(tmp_path):
    (tmp_path / "en.vec").write_text("1 1\na 1\n")
    (tmp_path / "en.bin").write_bytes(b"1 1\na " + np.ones(1, "<f4").tobytes())
    with pytest.raises(InputError, match="got en.bin and en.vec. Remove one"):
        word2vec_format.languages(tmp_path)


def test_widths_are_compared_before_anything_is_read(tmp_path):
    (tmp_path / "en.vec").write_text("1 2\na 1 2\n")
    (tmp_path / "fr.vec").write_text("1 3\nnot read\n")
    with pytest.raises(InputError, match="one dimension in all files, got en.vec with 2, fr.vec with 3"):
        word2vec_format.read_folder(tmp_path)


def test_a_language_that_holds_all_keys_in_order_is_not_copied(tmp_path):
    ids = [f"c{row}" for row in range(4000)]
    rows = np.random.default_rng(0).standard_normal((4000, 64)).astype(np.float32)
    word2vec_format.write_folder(tmp_path, ids, {"en": rows, "fr": rows})
    tracemalloc.start()
    found = word2vec_format.read_folder(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.ids == tuple(ids) and peak < 1.3 * 2 * rows.nbytes + 10 * table.BLOCK_BYTES
