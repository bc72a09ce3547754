"""Lists in the formats of other projects: CLDF word lists, dictionaries of word pairs, Swadesh lists by line.

CLDF        `forms.csv` (or its folder) of Lexibank, the TSV of NorthEuraLex, and other tables with one row per form
            (columns concept, language, word; LingPy). Languages are named by the ISO code in `languages.csv` beside it,
            or by their id.
word pairs  MUSE's `en-fr.txt` and XLING's `yacle.test.freq.2k.en-fr.tsv`: one pair per line, no header, the languages
            in the name. In a folder of such files concepts are the words of the language that all files begin with.
Swadesh     a folder with one file per language, named by its code, one entry per line, as in nltk's corpus `swadesh`.

A concept that a chosen language has no word for is left out and counted. Concepts are of the kind "other".
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from jaxalign.concepts import concept_list, table_file
from jaxalign.concepts.concept_list import WordTable
from jaxalign.languages import canonical, is_language
from jaxalign.types import InputError

_LANGUAGE = ("language_id", "language", "lang", "doculect")
_CONCEPT = ("parameter_id", "concept_id", "concept")
_WORD = ("orthography", "word_form", "form", "value", "word")  # the first that is there: others may be phonetic

_PAIR = re.compile(r"(?<![a-z])([a-z]{2,3})-([a-z]{2,3})(?![a-z])")


class Dictionary(NamedTuple):
    """A file of word pairs, and the languages of its name."""

    path: Path
    source: str
    target: str


def read(path: Path) -> WordTable:
    """Returns the list at `path`, a file or a folder, in whichever of the formats it has.

    Raises:
        InputError: it cannot be read, or has none of the formats.
    """
    if path.is_dir():
        return _folder(path)
    data = table_file.read_bytes(path)
    dictionary = _dictionary(path)
    if dictionary:
        first = table_file.decode(data, str(path)).lstrip().split("\n", 1)[0]
        names = re.split(r"[\t,;]", first.strip().casefold())
        if "id" not in names and len(names) < 3:  # otherwise the header of a table
            return _word_pairs([dictionary])
    table = table_file.parse(data, str(path))
    if table.rows and _place(table, _LANGUAGE) is not None and _place(table, _CONCEPT) is not None:
        return _cldf(path, table)
    return concept_list.read(table)


def _folder(path: Path) -> WordTable:
    for forms in (path / "forms.csv", path / "cldf" / "forms.csv"):
        if forms.is_file():
            return read(forms)
    files = sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))
    dictionaries = [dictionary for file in files if (dictionary := _dictionary(file))]
    if dictionaries:
        return _word_pairs(dictionaries)
    by_language = [file for file in files if file.suffix in ("", ".txt") and is_language(file.stem)]
    if len(by_language) > 1:
        return _lines(path, by_language)
    raise InputError(
        "Expected a folder with forms.csv, with dictionaries such as en-fr.txt, or with one file of lines per "
        f"language, got {path} with {', '.join(file.name for file in files[:5]) or 'no files'}. Correct --concepts."
    )


def _cldf(path: Path, table: table_file.TableFile) -> WordTable:
    language, concept, word = (_place(table, names) for names in (_LANGUAGE, _CONCEPT, _WORD))
    if language is None or concept is None or word is None:
        raise InputError(
            f"Expected columns Language_ID, Parameter_ID and Form in {path}, got "
            f"{', '.join(table.rows[0].cells)}. Give --concepts the forms.csv of a CLDF word list."
        )
    forms: dict[str, dict[str, list[str]]] = {}
    width = len(table.rows[0].cells)
    for row in table.rows[1:]:
        if len(row.cells) == width and row.cells[word]:
            forms.setdefault(row.cells[language], {}).setdefault(row.cells[concept], []).append(row.cells[word])
    return _sparse(str(path), _named(path.with_name("languages.csv"), forms))


def _named(path: Path, forms: Mapping[str, dict[str, list[str]]]) -> dict[str, dict[str, list[str]]]:
    """The forms by the code of their language; further varieties of one language keep their id."""
    codes = {name: name for name in forms}
    if path.is_file():
        table = table_file.parse(table_file.read_bytes(path), str(path))
        places = [_place(table, (name,)) for name in ("id", "iso639p3code", "name")] if table.rows else [None]
        if places[0] is not None:
            for row in table.rows[1:]:
                known = [row.cells[place] for place in places[1:] if place is not None and place < len(row.cells)]
                codes[row.cells[places[0]]] = next(filter(is_language, known), row.cells[places[0]])
    named: dict[str, dict[str, list[str]]] = {}
    for name, words in forms.items():
        code = canonical(codes[name])
        named[code if code not in named else name] = words
    return named


def _word_pairs(dictionaries: Sequence[Dictionary]) -> WordTable:
    source = Counter(dictionary.source for dictionary in dictionaries).most_common(1)[0][0]
    words: dict[str, dict[str, list[str]]] = {source: {}}
    for path, first, target in dictionaries:
        if first != source:
            continue
        translations = words.setdefault(target, {})
        for number, line in enumerate(table_file.decode(table_file.read_bytes(path), str(path)).splitlines(), 1):
            pair = [part.strip() for part in (line.split("\t") if "\t" in line else line.split())]
            if not any(pair) or line.startswith("#"):
                continue
            if len(pair) != 2 or not all(pair):
                raise InputError(
                    f"Expected a word and its translation, separated by a tab or a space, got {line.strip()!r} in line "
                    f"{number} of {path}. Correct the file of --concepts."
                )
            words[source].setdefault(pair[0], [pair[0]])
            translations.setdefault(pair[0], []).append(pair[1])
    return _sparse(str(path if len(dictionaries) == 1 else path.parent), words)


def _lines(folder: Path, paths: Sequence[Path]) -> WordTable:
    words: dict[str, dict[str, list[str]]] = {}
    counts = {}
    for path in paths:
        lines = table_file.decode(table_file.read_bytes(path), str(path)).splitlines()
        counts[path.name] = len(lines)
        words[canonical(path.stem)] = {str(number): [line.strip()] for number, line in enumerate(lines, 1)}
    if len(set(counts.values())) > 1:
        counted = ", ".join(f"{name} {count:,}" for name, count in counts.items())
        raise InputError(
            f"Expected files with the same number of lines in {folder}, because line N is concept N in each, got "
            f"{counted}. Remove the others from the folder of --concepts."
        )
    return _sparse(str(folder), words)


def _sparse(source: str, words: Mapping[str, Mapping[str, list[str]]]) -> WordTable:
    ids = tuple(dict.fromkeys(concept for column in words.values() for concept in column))
    columns = {
        language: tuple("; ".join(dict.fromkeys(column.get(concept, ()))) for concept in ids)
        for language, column in words.items()
    }
    return WordTable(source, ids, ("other",) * len(ids), (0,) * len(ids), columns, {}, sparse=True)


def _dictionary(path: Path) -> Dictionary | None:
    """The last two languages in a file's name: `yacle.test.freq.2k.en-fr.tsv`."""
    pairs = [pair for pair in _PAIR.findall(path.name.lower()) if all(map(is_language, pair))]
    return Dictionary(path, *map(canonical, pairs[-1])) if pairs else None


def _place(table: table_file.TableFile, names: Sequence[str]) -> int | None:
    """The place of the first of `names` (in lower case) that the header has."""
    header = [cell.casefold() for cell in table.rows[0].cells]
    return next((header.index(name) for name in names if name in header), None)
