"""Concepts with a word in every language: from the built-in lexicon, from WordNet or from a list in a file."""

import contextlib
import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from jaxalign.concepts import concept_list, other_lists, wordnet, wordnet_files
from jaxalign.languages import canonical
from jaxalign.runtime.files import write_text
from jaxalign.runtime.log import LOGGER
from jaxalign.types import Concepts, InputError

_CACHE_VERSION = 4  # raise when the same files and arguments would give other concepts


def load(
    source: str,
    languages: Sequence[str],
    *,
    min_depth: int = 5,
    both: str = "physical",
    missing: str = "error",
    cache_dir: Path | None = None,
) -> Concepts:
    """Returns the concepts of `source` that have a word in each of `languages`, under the languages' canonical codes.

    source: "builtin" (`concept_list.builtin`), "wordnet" (`wordnet.concepts`, which takes `min_depth` and `both`; its
    result is kept in `cache_dir`), or the path of a list (`other_lists.read`, `concept_list.concepts` with `missing`).

    Raises:
        InputError: languages are missing or repeated, or the source cannot be read.
    """
    codes = tuple(map(canonical, languages))
    if not codes or len(set(codes)) < len(codes):
        raise InputError(f"Expected languages, each once, got {', '.join(languages) or 'none'}. Change --languages.")
    if source == "builtin":
        return concept_list.builtin(codes)
    if source == "wordnet":
        return _wordnet(codes, min_depth, both, cache_dir)
    table = other_lists.read(Path(source))
    concepts = concept_list.concepts(table, languages, missing)
    unused = set(table.columns) - set(concept_list.languages_of(table).values()) - set(languages)
    if unused:
        LOGGER.info("concepts: columns of %s that are no languages: %s", source, ", ".join(sorted(unused)))
    return concepts


def list_languages(path: Path) -> tuple[str, ...]:
    """Returns the canonical codes of the languages that the list at `path` has."""
    return tuple(concept_list.languages_of(other_lists.read(path)))


def list_covariates(path: Path) -> dict[str, dict[str, float]]:
    """Returns the columns `trait:NAME` of the list at `path`: NAME -> id -> number, nan for an empty cell."""
    return other_lists.read(path).covariates


def any_builtin(ids: Iterable[str]) -> bool:
    """Returns whether any of `ids` is in the built-in lexicon."""
    return not set(concept_list.builtin(("en",)).ids).isdisjoint(ids)


def digest(concepts: Concepts) -> str:
    """Returns 16 hexadecimal digits of SHA-256 over ids and words."""
    return _sha256(json.dumps([concepts.ids, concepts.words], sort_keys=True).encode())[:16]


def _wordnet(languages: Sequence[str], min_depth: int, both: str, cache_dir: Path | None) -> Concepts:
    if min_depth < 0:
        raise InputError(f"Expected a depth of 0 or more, got {min_depth}. Change --min_depth.")
    files = wordnet_files.read(languages)
    if cache_dir is None:
        return wordnet.concepts(files, languages, min_depth=min_depth, both=both)
    parts = [files.nouns, files.senses, *(files.tables[code] for code in sorted(files.tables))]
    key = [_CACHE_VERSION, list(languages), min_depth, both, [_sha256(part) for part in parts]]
    entry = Path(cache_dir) / f"wordnet-{_sha256(json.dumps(key).encode())[:24]}.json"
    concepts = _cached(entry)
    if concepts is None:
        concepts = wordnet.concepts(files, languages, min_depth=min_depth, both=both)
        with contextlib.suppress(OSError):  # the cache only saves time
            entry.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            text = json.dumps({"digest": digest(concepts), **concepts._asdict()}, ensure_ascii=False)
            write_text(entry, text, mode=0o600)
    return concepts


def _cached(entry: Path) -> Concepts | None:
    """The concepts of a cache entry, or None if it is missing or damaged."""
    try:
        content: dict[str, Any] = json.loads(entry.read_bytes())
        words = {code: tuple(map(str, column)) for code, column in content["words"].items()}
        steps = tuple((str(name), int(left)) for name, left in content["filters"])
        answers = {code: tuple(tuple(map(str, cell)) for cell in column) for code, column in content["answers"].items()}
        concepts = Concepts(tuple(content["ids"]), tuple(content["kinds"]), words, steps, answers)
        columns = (concepts.kinds, *words.values(), *answers.values())
        aligned = answers.keys() == words.keys() and all(len(column) == len(concepts.ids) for column in columns)
        return concepts if aligned and content["digest"] == digest(concepts) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
