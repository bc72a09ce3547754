"""Where the user's cache is."""

from pathlib import Path

from jaxalign.runtime import user_cache


def test_the_variable_or_the_home_folder(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert user_cache.folder("page") == Path("/somewhere/jaxalign/page")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/someone")
    assert user_cache.folder("page") == Path("/home/someone/.cache/jaxalign/page")
