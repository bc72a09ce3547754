"""Finds and opens WordNet and the Open Multilingual Wordnet on disk; fetches them through nltk if they are missing.

nltk's own wordnet reader takes over 10 s for seven languages, because it builds every part of speech; here its corpus
readers only find and open the files. Call from one thread: nltk's zip pointers share a file handle.
"""

import contextlib
import io
import socket
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from jaxalign.languages import canonical
from jaxalign.types import InputError

REMEDY = (
    "Run `python -m nltk.downloader wordnet omw-2.0` where there is a network, or name its folder in NLTK_DATA; "
    "otherwise leave out --concepts=wordnet, --contexts=wordnet and --controls=domains."
)
_OMW = ("omw-2.0", "omw-1.4")  # nltk 3.10 fetches the first, older ones the second; the tables have one format
_EXTENDED = ("extended_omw",)  # over 150 languages from Wiktionary and CLDR (Bond & Foster 2013); smaller tables
_PACKAGES = {
    "wordnet": ("wordnet", r"(data|index)\.noun"),
    **{name: (name, r".*/wn-data-.*\.tab") for name in _OMW},
    **{name: (name, r".*/wn-(wikt|cldr)-.*\.tab") for name in _EXTENDED},
}
_DOWNLOAD_TIMEOUT_SECONDS = 20.0


class Files(NamedTuple):
    """The wordnet files that concepts are made from, as bytes."""

    nouns: bytes  # WordNet's data.noun
    senses: bytes  # and index.noun
    tables: dict[str, bytes]  # the tab file of each language except English


def read(languages: Sequence[str]) -> Files:
    """Returns the noun files and the tables of `languages` (any code of a language); English is in the noun files.

    Raises:
        InputError: a language has no wordnet here (the error lists those that have), or data is missing or damaged.
    """
    with _input_errors():
        nouns = _open(("wordnet",))
        wanted = [language for language in languages if canonical(language) != "en"]
        paths = _paths(wanted) if wanted else {}
        missing = [language for language in wanted if key(language) not in paths]
        if missing:
            remedy = "Change --languages"
            if _find(_EXTENDED) is None:
                remedy += ", or run `python -m nltk.downloader extended_omw` for the languages of Wiktionary"
            raise InputError(f"Expected languages of {', '.join(_shown(paths))}, got {missing[0]!r}. {remedy}.")
        tables = {language: paths[key(language)].open().read() for language in wanted}
        synsets, senses = (nouns.abspath(name).open().read() for name in ("data.noun", "index.noun"))
        return Files(synsets, senses, tables)


def languages() -> list[str]:
    """Returns the languages of the installed wordnets, as --languages takes them."""
    with _input_errors():
        return _shown(_paths(()))


def _shown(paths: Mapping[str, Any]) -> list[str]:
    return sorted(code for code in {"en", *paths} if "_" not in code)


def key(language: str) -> str:
    """Returns the canonical code of a language, or CODE_FOLDER for a further table of the same language."""
    code, _, folder = language.partition("_")
    return f"{canonical(code)}_{folder}" if folder else {"no": "nb"}.get(canonical(code), canonical(code))


def _paths(wanted: Sequence[str]) -> dict[str, Any]:
    """The path of the table of each language; a further one of the same language as CODE_FOLDER, as nltk names it.

    Tables of the Extended Open Multilingual Wordnet serve the languages that the Open Multilingual Wordnet lacks, if
    they are installed; they are looked for only if one of `wanted` needs them, or nothing is wanted.
    """
    paths: dict[str, Any] = {}
    for reader in (_open(_OMW), _find(_EXTENDED)):
        if reader is None or wanted and all(key(language) in paths for language in wanted):
            break
        # wikt stands behind cldr in the alphabet and has more words.
        for path in sorted(map(PurePosixPath, reader.fileids()), key=lambda path: "cldr" in path.stem):
            code = canonical(path.stem.split("-")[-1])
            paths[code if code not in paths else f"{code}_{path.parent.name}"] = reader.abspath(str(path))
    return paths


def _open(packages: Sequence[str]) -> Any:
    """A reader of the first of `packages` that nltk finds, if need be after a download."""
    reader = _find(packages)
    if reader is None:
        _download(packages)
        reader = _find(packages)
    if reader is None:
        raise InputError(
            f"Expected the nltk package {' or '.join(packages)}, got nothing, and the download failed. {REMEDY}"
        )
    return reader


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
    """Asks nltk for each package until one arrives; stays silent where there is no network."""
    import nltk

    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_DOWNLOAD_TIMEOUT_SECONDS)
    try:
        for package in packages:
            with contextlib.suppress(OSError, ValueError), contextlib.redirect_stdout(io.StringIO()):
                if nltk.download(package, quiet=True):
                    return
    finally:
        socket.setdefaulttimeout(before)


@contextlib.contextmanager
def _input_errors() -> Iterator[None]:
    """Turns the errors of damaged or unreadable files into InputError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # nltk warns about versions of its data that are handled here
            yield
    except InputError:
        raise
    except (OSError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"Expected readable wordnet data, got {type(error).__name__}: {error}. {REMEDY}") from error
