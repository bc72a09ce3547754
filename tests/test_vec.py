""".vec files: read back exactly what was written, refuse everything else with the line at fault."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxalign import vec
from jaxalign.types import InputError


def put(folder, text: str | bytes, name: str = "en.vec"):
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_round_trip_is_exact_and_aligned(tmp_path):
    rng = np.random.default_rng(0)
    scale = 10.0 ** rng.integers(-37, 37, (50, 3))
    rows = {code: (rng.standard_normal((50, 3)) * scale).astype(np.float32) for code in ("en", "fr")}
    rows["en"][0] = [1e-45, 3.4e38, -1e-40]  # subnormal and largest
    ids = [f"犬 {i}.n.01" for i in range(50)]
    vec.write_folder(tmp_path / "out", ids, rows)
    keys, found = vec.read_folder(tmp_path / "out", ("fr", "en"))
    assert keys == tuple(name.replace(" ", "_") for name in ids)
    for code in rows:
        np.testing.assert_array_equal(found[code], rows[code])
        assert found[code].dtype == np.float32


def test_keys_are_joined_by_name_in_the_first_files_order(tmp_path):
    put(tmp_path, "3 1\nb 1\na 2\nc 3\n")
    put(tmp_path, "2 1\nc 30\nb 10\n", "fr.vec")
    keys, found = vec.read_folder(tmp_path, ("en", "fr"))
    assert keys == ("b", "c")
    assert (found["en"].ravel().tolist(), found["fr"].ravel().tolist()) == ([1, 3], [10, 30])


@pytest.mark.parametrize(
    "text", ["2 2\na 1 2\nb 3 4\n", "2 2\r\na 1 2\r\nb 3 4\r\n", "\ufeff2 2\na 1 2\nb 3 4", "2 2 \na  1 2 \nb 3 4"]
)
def test_accepted_forms(tmp_path, text):
    keys, vectors = vec.read_file(put(tmp_path, text))
    assert keys == ("a", "b") and vectors.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "first line"),
        ("a 1 2\n", "first line"),
        ("0 2\n", "first line"),
        ("3 2\na 1 2\nb 3 4\n", "3 lines"),
        ("1 2\na 1 2\nb 3 4\n", "1 lines"),
        ("2 2\na 1 2\nb 3\n", "line 3"),
        ("2 2\na 1 2\nb 3 4 5\n", "line 3"),
        ("2 2\na 1 2\na 3 4\n", "'a' in lines 2 and 3"),
        ("2 2\na 1 2\nb nan 4\n", "line 3"),
        ("2 2\na inf 2\nb 3 4\n", "line 2"),
        ("2 2\na 1e39 2\nb 3 4\n", "line 2"),
        ("2 2\na 1 2\nb 3 x\n", "line 3"),
        ("2 2\na 1 2\nb 0 0\n", "zeros"),
        ("2 2\na 1 2\n\nb 3 4\n", "3"),
        ("1 1\na\u00e9 1".encode("latin-1"), "UTF-8"),
        ("1 1\na 1".encode("utf-16"), "UTF-8"),
    ],
)
def test_refused_with_the_place(tmp_path, text, said):
    with pytest.raises(InputError, match=said):
        vec.read_file(put(tmp_path, text))


def test_folders(tmp_path):
    with pytest.raises(InputError, match="--spaces"):
        vec.languages(tmp_path / "none")
    put(tmp_path, "1 1\na 1\n")
    put(tmp_path, "1 2\na 1 2\n", "fr.vec")
    put(tmp_path, "1 1\nb 1\n", "fi.vec")
    assert vec.languages(tmp_path) == ("en", "fi", "fr")
    for wanted, said in ((("en", "de"), "has en, fi, fr"), (("en", "fr"), "dimension"), (("en", "fi"), "share")):
        with pytest.raises(InputError, match=said):
            vec.read_folder(tmp_path, wanted)


@given(st.one_of(st.binary(max_size=60), st.text(alphabet="12 \nab.e-nif\r", max_size=60).map(str.encode)))
@settings(max_examples=400, deadline=None)
def test_anything_is_read_or_refused(tmp_path_factory, data):
    path = put(tmp_path_factory.getbasetemp() / "fuzz", data)
    try:
        keys, vectors = vec.read_file(path)
    except InputError:
        return
    assert len(keys) == len(set(keys)) == len(vectors) and np.isfinite(vectors).all()


def test_real_spaces(shared):
    keys, found = vec.read_folder(shared / "spaces", ("en", "fi", "fr"))
    assert len(keys) > 800 and {rows.shape for rows in found.values()} == {(len(keys), 128)}
