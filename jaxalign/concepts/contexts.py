"""Sentences in which each concept's word stands: from a file, from WordNet, or carrier sentences of the package.

    id        language  sentence                              word
    dog.n.01  en        The [[dog]] slept by the fire.
    dog.n.01  fr        Les chiens dormaient près du feu.     chiens

The word is marked in the sentence, as [[word]], <w>word</w>, **word** or *word*, or it stands in a column `word` and
once in the sentence; it may be inflected. A concept may have any number of sentences in a language.
"""

import contextlib
import re
from collections import Counter, defaultdict
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
_MARKS = re.compile(r"\[\[(.+?)\]\]|<w>(.+?)</w>|\*\*(.+?)\*\*|\*(.+?)\*")
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
    shown = ", ".join(lacking[:_SHOWN]) + (", ..." if len(lacking) > _SHOWN else "")
    raise InputError(
        f"Expected a sentence of every concept in every language in {source}, got none in some language for "
        f"{len(lacking):,} of {len(concepts.ids):,} concepts ({shown}); concepts with sentences: {counts}. Add "
        "sentences, leave such concepts out with --missing=drop, or ask for fewer --languages."
    )


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
    """The name of a file without characters that separate parts of a label."""
    return re.sub(r"[:/,\s]+", "-", path.stem) or "file"


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
    other: Counter[str] = Counter()
    for row in table.rows[1:]:
        if len(row.cells) <= max(columns.id, columns.language, columns.sentence):
            problems.add("an id, a language and a sentence", f"{len(row.cells)} cells", row.line)
            continue
        language, name = row.cells[columns.language], row.cells[columns.id]
        if not is_language(language):
            problems.add("a code or name of a language", repr(language), row.line)
            continue
        occurrence = _occurrence(row, columns, problems)
        label = labels.get(canonical(language))
        if label is None or name not in ids:
            other["languages" if label is None else "concepts"] += 1
        elif occurrence and occurrence not in found[label].setdefault(name, []):
            found[label][name].append(occurrence)
    problems.raise_all()
    for what, count in other.items():
        LOGGER.warning(
            "contexts: %s sentences of %s are of %s that this run does not have", f"{count:,}", table.source, what
        )
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
    marked = list(_MARKS.finditer(sentence))
    if len(marked) == 1:
        (match,) = marked
        inner = next(filter(None, match.groups())).strip()
        if word and word != inner:
            problems.add(f"the marked word to be that of the column word, {word!r}", repr(inner), row.line)
            return None
        text = sentence[: match.start()] + inner + sentence[match.end() :]
        return Occurrence(text, match.start(), match.start() + len(inner)) if inner else None
    if marked or not word or sentence.count(word) != 1:
        count = len(marked) if marked or not word else sentence.count(word)
        problems.add("one marked word", f"{count} in {sentence[:60]!r}", row.line)
        return None
    begin = sentence.index(word)
    return Occurrence(sentence, begin, begin + len(word))
