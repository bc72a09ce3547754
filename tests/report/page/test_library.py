"""The explorer's library is kept in the user's cache, and never taken from it where it is damaged."""

import base64
import gzip

import pytest

from jaxalign.report.page import library


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """The folder of the cache, with a library that is quick to make."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made = []

    def bundle():
        made.append(1)
        return "const vega = 1;"

    monkeypatch.setattr("vl_convert.javascript_bundle", bundle)
    monkeypatch.setattr(library, "_PROGRAM", "raise SystemExit(1)")  # as if no process could be started
    library.packed.cache_clear()
    yield lambda: (library.packed.cache_clear(), library.packed(), len(made))[1:]
    library.packed.cache_clear()


def test_it_is_made_once_and_kept_for_its_owner_alone(kept, tmp_path):
    first, _ = kept()
    assert kept() == (first, 1)
    (path,) = (tmp_path / "jaxalign" / "page").iterdir()
    assert path.read_text() == first and path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "damage", [lambda text: text[:-8], lambda text: "", lambda text: "A" + text[1:], lambda _: "é"]
)
def test_a_damaged_file_is_made_again(kept, tmp_path, damage):
    first, _ = kept()
    (path,) = (tmp_path / "jaxalign" / "page").iterdir()
    path.write_text(damage(first), "utf-8")
    assert kept() == (first, 2)
    assert path.read_text() == first


def test_a_cache_that_cannot_be_written_is_no_error(kept, tmp_path):
    (tmp_path / "jaxalign").write_text("a file where the folder would be")
    first, _ = kept()
    assert kept() == (first, 2)


def test_where_no_process_may_be_started_it_is_made_here(kept, monkeypatch):
    monkeypatch.setattr(library.sys, "executable", "/nowhere/python")
    first, _ = kept()
    assert gzip.decompress(base64.b64decode(first)) == b"const vega = 1;"


def test_a_process_of_its_own_makes_it(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(library, "_PROGRAM", "print('const vega = 2;', end='')")
    monkeypatch.setattr("vl_convert.javascript_bundle", None)
    library.packed.cache_clear()
    try:
        assert gzip.decompress(base64.b64decode(library.packed())) == b"const vega = 2;"
    finally:
        library.packed.cache_clear()
