"""WordNet and the Open Multilingual Wordnet on disk: found, opened and, where missing, fetched through nltk.

nltk's wordnet reader takes over 10 s for seven languages, as it builds every part of speech; here its corpus readers
only find and open the files. Call from one thread: nltk's zip pointers share a file handle.
"""

import contextlib
import io
import socket
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from jaxalign.concepts.word_forms import ISO_639_3, table_code
from jaxalign.types import InputError

REMEDY = (
    "Run `python -m nltk.downloader wordnet omw-2.0` where there is a network, or name the folder in NLTK_DATA; or do "
    "without --concepts=wordnet and --controls=domains."
)
_OMW = ("omw-2.0", "omw-1.4")  # nltk 3.10 fetches the first, older ones the second; the tables have one format
_PACKAGES = {"wordnet": ("wordnet", r"(data|index)\.noun"), **{name: (name, r".*/wn-data-.*\.tab") for name in _OMW}}
_PATIENCE_SECONDS = 20.0


class Files(NamedTuple):
    """What is needed of the wordnets, as bytes."""

    nouns: bytes  # WordNet's data.noun
    senses: bytes  # and index.noun
    tables: dict[str, bytes]  # the tab file of each language but English


def read(languages: Sequence[str]) -> Files:
    """The noun files and the tables of `languages` (ISO 639-1 or 639-3); English is in the noun files.

    Raises InputError for an unknown language, naming those there are, and for data that is missing or damaged.
    """
    with _reading():
        nouns = _open(("wordnet",))
        tables = {}
        if any(table_code(language) != "eng" for language in languages):
            omw = _open(_OMW)
            paths = _paths(omw)
            unknown = [language for language in languages if table_code(language) not in {"eng", *paths}]
            if unknown:
                raise InputError(
                    f"Expected languages of {', '.join(_shown(paths))}, got {unknown[0]!r}. "
                    "Change --languages, or install a wordnet for it."
                )
            tables = {
                code: omw.abspath(paths[table_code(code)]).open().read()
                for code in languages
                if table_code(code) != "eng"
            }
        synsets, senses = (nouns.abspath(name).open().read() for name in ("data.noun", "index.noun"))
        return Files(synsets, senses, tables)


def languages() -> list[str]:
    """The languages that the installed wordnets have, as they may be asked for."""
    with _reading():
        return _shown(_paths(_open(_OMW)))


def _shown(paths: dict[str, str]) -> list[str]:
    short = {long: code for code, long in reversed(ISO_639_3.items())}
    return sorted(short.get(code, code) for code in {"eng", *paths})


def _paths(omw: Any) -> dict[str, str]:
    """The tab file of each language; a further one of the same language as CODE_FOLDER, as nltk names it."""
    paths: dict[str, str] = {}
    for path in map(PurePosixPath, omw.fileids()):
        code = path.stem.split("-")[-1]
        paths[code if code not in paths else f"{code}_{path.parent.name}"] = str(path)
    return paths


def _open(packages: Sequence[str]) -> Any:
    """A reader of the first of `packages` that nltk has; one more try after a download."""
    found = _find(packages)
    if found is None:
        _download(packages)
        found = _find(packages)
    if found is None:
        raise InputError(f"Expected the nltk package {' or '.join(packages)}, got nothing, and no download. {REMEDY}")
    return found


def _find(packages: Sequence[str]) -> Any | None:
    from nltk.corpus.reader.api import CorpusReader
    from nltk.corpus.util import LazyCorpusLoader

    for package in packages:
        folder, pattern = _PACKAGES[package]
        reader: Any = LazyCorpusLoader(folder, CorpusReader, pattern)
        with contextlib.suppress(LookupError):
            reader.ensure_loaded()
            if reader.fileids():
                return reader
    return None


def _download(packages: Sequence[str]) -> None:
    """Asks nltk for each package until one comes; says nothing where there is no network."""
    import nltk

    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_PATIENCE_SECONDS)
    try:
        for package in packages:
            with contextlib.suppress(OSError, ValueError), contextlib.redirect_stdout(io.StringIO()):
                if nltk.download(package, quiet=True):
                    return
    finally:
        socket.setdefaulttimeout(before)


@contextlib.contextmanager
def _reading() -> Iterator[None]:
    """Turns what a damaged or unreadable file raises into InputError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # nltk's on the versions of its data, which are handled here
            yield
    except InputError:
        raise
    except (OSError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"Expected readable wordnet data, got {type(error).__name__}: {error}. {REMEDY}") from error
