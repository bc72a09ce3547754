"""The real wordnets of the shared data, as the only place where nltk looks."""

from pathlib import Path

import nltk
import pytest


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
