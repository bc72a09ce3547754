"""The real wordnets of the shared data, or a small one, as the only place where nltk looks."""

from pathlib import Path

import nltk
import pytest

from tests.concepts.small_wordnet import FRENCH, ROMANIAN, noun_files, table


@pytest.fixture(scope="session")
def wordnet_data(shared) -> Path:
    """The folder of nltk data with WordNet 3.0 and the Open Multilingual Wordnet."""
    if not (shared / "nltk_data" / "corpora").is_dir():
        pytest.skip("needs the wordnets in ../shared/nltk_data")
    return shared / "nltk_data"


@pytest.fixture
def real_wordnets(wordnet_data, monkeypatch) -> None:
    """Lets nltk find the real wordnets during one test."""
    monkeypatch.setattr(nltk.data, "path", [str(wordnet_data)])


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A folder of nltk data, the only one nltk looks in; downloads fail."""
    corpora_folder = tmp_path / "nltk_data" / "corpora"
    tables = {"fra/wn-data-fra.tab": table("fra", FRENCH), "wikt/wn-data-ron.tab": table("ron", ROMANIAN)}
    data, senses = noun_files()
    for name, text in {
        "wordnet/data.noun": data,
        "wordnet/index.noun": senses,
        **{f"omw-2.0/{path}": text for path, text in tables.items()},
    }.items():
        (corpora_folder / name).parent.mkdir(parents=True, exist_ok=True)
        (corpora_folder / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(nltk.data, "path", [str(corpora_folder.parent)])
    monkeypatch.setattr(nltk, "download", lambda *_, **__: False)
    return corpora_folder
