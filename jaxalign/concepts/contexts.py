"""Sentences in which each concept's word stands: from a file, from WordNet, or carrier sentences of the package.

    id        language  sentence                              word
    dog.n.01  en        The [[dog]] slept by the fire.
    dog.n.01  fr        Les chiens dormaient près du feu.     chiens

The word is marked in the sentence, as [[word]], <w>word</w>, **word** or *word* (the first of these that the sentence
has), or it stands in a column `word` and once in the sentence, not inside a longer word; it may be inflected. A concept
may have any number of sentences in a language.
"""

import contextlib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from jaxalign.concepts import table_file, wordnet, wordnet_files
from jaxalign.concepts.table_file import Problems, Row, TableFile
from jaxalign.languages import canonical, is_language
from jaxalign.runtime.log import LOGGER
from jaxalign.types import Concepts, Contexts, InputError, Occurrence

BUILT_IN = ("carrier", "wordnet")
_MARKS = tuple(map(re.compile, (r"\[\[([^\[\]]*)\]\]", r"<w>(.*?)</w>", r"\*\*(.+?)\*\*", r"\*(\S|\S.*?\S)\*")))
_HALF_MARKS = ("[[", "]]", "<w>", "</w>")
# Thai, Lao, Tibetan, Burmese, Khmer, kana and Chinese characters: words stand side by side without blanks.
_WITHOUT_BLANKS = re.compile("[\u0e00-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_NAMES = {"id": ("id", "concept", "concept_id"), "language": ("language", "lang"), "sentence": ("sentence", "text")}
_SHOWN = 3  # concepts that a message names
_REMEDY = (
    "Correct the file of --contexts: a header `id<TAB>language<TAB>sentence` and one sentence a line, in which the "
    "word is marked as [[word]], or stands once and is named in a column word."
)

Found = dict[str, dict[str, list[Occurrence]]]  # language -> concept -> sentences


class _Columns(NamedTuple):
    id: int
    language: int
    sentence: int
    word: int | None


def with_contexts(concepts: Concepts, source: str, missing: str = "error") -> Concepts:
    """Returns the concepts with their sentences in every language.

    source: "carrier": three sentences of each language of the package around every word; "wordnet": in English the
    gloss and the examples of the concept in WordNet, in other languages the carrier sentences; or the path of a file.
    missing: what becomes of a concept without a sentence in one of the languages: "drop" leaves it out, with a count in
    `filters`; otherwise it is an error.

    Raises:
        InputError: naming every faulty line of the file, the languages without sentences, the concepts without any, or
            an id that WordNet does not have.
    """
    if source in BUILT_IN:
        return concepts._replace(contexts=_built_in(concepts, source))
    path = Path(source)
    found = _read(path, set(concepts.ids), {canonical(code): code for code in concepts.words})
    lacking = [name for name in concepts.ids if not all(found[code].get(name) for code in concepts.words)]
    if lacking and (missing != "drop" or len(lacking) == len(concepts.ids)):
        _refuse(concepts, found, lacking, source)
    if missing == "drop":
        concepts = _without(concepts, frozenset(lacking))
    sentences = {code: tuple(tuple(found[code][name]) for name in concepts.ids) for code in concepts.words}
    return concepts._replace(contexts=Contexts(_name(path), sentences))


def _refuse(concepts: Concepts, found: Found, lacking: Sequence[str], source: str) -> None:
    counts = ", ".join(f"{code} {sum(name in found[code] for name in concepts.ids):,}" for code in concepts.words)
    raise InputError(
        f"Expected a sentence of every concept in every language in {source}, got none in some language for "
        f"{len(lacking):,} of {len(concepts.ids):,} concepts ({_shown(lacking)}); concepts with sentences: {counts}. "
        "Add sentences, leave such concepts out with --missing=drop, or ask for fewer --languages."
    )


def _shown(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")


def _without(concepts: Concepts, lacking: frozenset[str]) -> Concepts:
    rows = [row for row, name in enumerate(concepts.ids) if name not in lacking]

    def kept(column: Sequence) -> tuple:
        return tuple(column[row] for row in rows)

    return concepts._replace(
        ids=kept(concepts.ids),
        kinds=kept(concepts.kinds),
        words={code: kept(column) for code, column in concepts.words.items()},
        filters=(*concepts.filters, ("a sentence in every language", len(rows))),
        answers={code: kept(column) for code, column in concepts.answers.items()},
    )


def _name(path: Path) -> str:
    """The name of a file without the characters that separate parts of labels, lists and keys."""
    return re.sub(r"[^\w.]+", "-", path.stem).strip("-") or "file"


def _built_in(concepts: Concepts, source: str) -> Contexts:
    frames = _carriers()
    sentences = {}
    for code, words in concepts.words.items():
        if source == "wordnet" and canonical(code) == "en":
            sentences[code] = wordnet.sentences(wordnet_files.read(("en",)), concepts.ids, words)
            continue
        if canonical(code) not in frames:
            raise InputError(
                f"Expected --contexts with sentences in {code!r}, got the package's own, which are in "
                f"{', '.join(frames)}. Give a file: --contexts=FILE.tsv with the columns id, language, sentence."
            )
        parts = [frame.split("{text}") for frame in frames[canonical(code)]]
        sentences[code] = tuple(
            tuple(Occurrence(before + word + after, len(before), len(before) + len(word)) for before, after in parts)
            for word in words
        )
    return Contexts(source, sentences)


def _carriers() -> dict[str, list[str]]:
    """Language -> sentences with {text} for the word."""
    text = resources.files("jaxalign").joinpath("data/carriers.tsv").read_text("utf-8")
    frames: dict[str, list[str]] = defaultdict(list)
    for line in text.splitlines()[1:]:
        language, sentence = line.split("\t")
        frames[language].append(sentence)
    return frames


def _read(path: Path, ids: set[str], labels: dict[str, str]) -> Found:
    """Sentences by the labels of the run's languages; those of other concepts and languages are counted in the log."""
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        raise InputError(
            f"Expected --contexts of {', '.join(BUILT_IN)} or a file that can be read, got {str(path)!r} ({error}). "
            "Correct --contexts."
        ) from error
    with _naming_the_flag():
        return _parse(table_file.parse(data, str(path)), ids, labels)


@contextlib.contextmanager
def _naming_the_flag() -> Iterator[None]:
    """Errors of `table_file` with the flag of this file."""
    try:
        yield
    except InputError as error:
        raise InputError(str(error).replace("a list of --concepts", "a file of --contexts").replace(
            "--concepts", "--contexts")) from None  # fmt: skip


def _parse(table: TableFile, ids: set[str], labels: dict[str, str]) -> Found:
    problems = Problems(table.source, _REMEDY)
    columns = _columns(table.rows[0].cells if table.rows else (), problems)
    found: Found = {label: {} for label in labels.values()}
    other: dict[str, list[str]] = defaultdict(list)  # "languages" or "concepts" -> that of each sentence left out
    for row in table.rows[1:]:
        needed = (columns.id, columns.language, columns.sentence)
        filled = [place for place in needed if place < len(row.cells) and row.cells[place]]
        if len(filled) < len(needed):
            problems.add("an id, a language and a sentence", f"{len(filled)} of them", row.line)
            continue
        language, name = row.cells[columns.language], row.cells[columns.id]
        if not is_language(language):
            problems.add("a code or name of a language", repr(language), row.line)
            continue
        occurrence = _occurrence(row, columns, problems)
        label = labels.get(canonical(language))
        if label is None:
            other["languages"].append(language)
        elif name not in ids:
            other["concepts"].append(name)
        elif occurrence and occurrence not in found[label].setdefault(name, []):
            found[label][name].append(occurrence)
    problems.raise_all()
    for what, names in other.items():
        LOGGER.warning(
            "contexts: %s sentences of %s are of %s that this run does not have (%s)",
            f"{len(names):,}", table.source, what, _shown(list(dict.fromkeys(names))),
        )  # fmt: skip
    return found


def _columns(header: Sequence[str], problems: Problems) -> _Columns:
    folded = [name.casefold() for name in header]
    places = {}
    for column, names in _NAMES.items():
        here = [place for place, name in enumerate(folded) if name in names]
        if len(here) != 1:
            problems.add(f"one column {column}", ", ".join(header) or "an empty file", 1)
        else:
            places[column] = here[0]
    problems.raise_all()
    return _Columns(**places, word=folded.index("word") if "word" in folded else None)


def _occurrence(row: Row, columns: _Columns, problems: Problems) -> Occurrence | None:
    """The sentence without its mark, and where its word stands; None for a faulty one, which is noted."""
    sentence = row.cells[columns.sentence]
    has_word = columns.word is not None and len(row.cells) > columns.word
    word = row.cells[columns.word] if has_word and columns.word is not None else ""
    found = _marked(sentence) or (_named(sentence, word) if word else [])
    if len(found) != 1:
        inside = " (it is part of a longer word)" if word and word in sentence and not found else ""
        problems.add("one marked word", f"{len(found)} in {sentence[:60]!r}{inside}", row.line)
        return None
    text, begin, end = occurrence = found[0]
    if not text[begin:end]:
        problems.add("a word between its marks", f"nothing in {sentence[:60]!r}", row.line)
    elif any(half in text for half in _HALF_MARKS):
        problems.add("marks around one word alone", f"others in {sentence[:60]!r}", row.line)
    elif word and word != text[begin:end]:
        problems.add(f"the marked word to be that of the column word, {word!r}", repr(text[begin:end]), row.line)
    else:
        return occurrence
    return None


def _marked(sentence: str) -> list[Occurrence]:
    """The sentence without its mark for each word that is marked, in the first way of marking that it has."""
    marked = next(filter(None, (list(mark.finditer(sentence)) for mark in _MARKS)), [])
    made = []
    for match in marked:
        inner, begin = match[1].strip(), match.start()
        made.append(Occurrence(sentence[:begin] + inner + sentence[match.end() :], begin, begin + len(inner)))
    return made


def _named(sentence: str, word: str) -> list[Occurrence]:
    """Where the word stands; beside a letter only in a script without blanks between words."""
    begins = [match.start() for match in re.finditer(f"(?={re.escape(word)})", sentence)]
    places = (Occurrence(sentence, begin, begin + len(word)) for begin in begins)
    return [one for one in places if not (_joined(sentence, one.begin) or _joined(sentence, one.end))]


def _joined(text: str, at: int) -> bool:
    """Whether the characters before and at a place are of one word, as far as blanks between words tell."""
    pair = text[at - 1 : at + 1] if at else ""
    letters = len(pair) == 2 and all(unicodedata.category(sign)[0] in "LMN" for sign in pair)
    return letters and not _WITHOUT_BLANKS.search(pair)
