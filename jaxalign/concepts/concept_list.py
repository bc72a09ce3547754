"""Concepts from a table with one row per concept and one column per language: the built-in lexicon or a user's list."""

import re
from collections.abc import Sequence
from importlib import resources
from typing import NamedTuple

from jaxalign.concepts.sentences import KIND as SENTENCE
from jaxalign.concepts.sentences import rows_of_sentences, sentence_of_cell
from jaxalign.concepts.table_file import Problems, Row, TableFile, parse
from jaxalign.concepts.word_forms import is_text, words_of_cell
from jaxalign.languages import canonical, is_language
from jaxalign.types import Concepts, InputError

KINDS = ("abstract", "physical", "other")
COVARIATE = "trait:"  # begins the name of a column of numbers, such as trait:frequency, that samples are matched on
MISSING = ("error", "drop", "keep")
# Cells that programs write where there is no word; --missing=keep reads them as words ("nan" is Catalan for dwarf).
_NO_WORD = frozenset((
    "NA N/A n/a N.A. n.a. #N/A #NA <NA> NaN nan -NaN -nan NULL null <null> (null) None "
    "#NAME? #REF! #VALUE! #DIV/0! #NULL! #NUM!"
).split())  # fmt: skip
# ISO 639-3 codes that are usual names of other columns; --languages=pos reads such a column all the same.
_OTHER_COLUMNS = (
    "abs age alt ant aoa bin cid cmt cnt col com con def dim dis doc doi dom dur end err fam frq gen gid ids iml int "
    "iso key lab lbl lem len lex lid loc log lon map max mid min mod nid num one pag pic pid pop pos ref rem row run "
    "sec sem seq set sid sig sim src std str sub sum syn tag tid tim top txt typ uri url val var ver vol wrd"
).split()
_REMEDY = (
    "Correct the file of --concepts: a list has a header `id<TAB>kind<TAB>LANGUAGE...` (kind may be left out) and one "
    "concept per line. A dictionary of word pairs is read if its name has its languages, as en-fr.txt has."
)


class WordTable(NamedTuple):
    """A list of concepts before a choice of languages; all columns have one cell per concept, "" for none."""

    source: str
    ids: tuple[str, ...]
    kinds: tuple[str, ...]
    lines: tuple[int, ...]  # of the file, for messages
    columns: dict[str, tuple[str, ...]]  # name of a column -> cells
    covariates: dict[str, dict[str, float]]  # name -> id -> number
    sentences: tuple[bool, ...] = ()  # rows whose cells are texts, taken whole; empty: none
    sparse: bool = False  # a concept without a word is left out and counted: the list has no cells that may be empty


def builtin(languages: Sequence[str]) -> Concepts:
    """Returns the built-in lexicon: everyday words in seven languages, half abstract, half physical; WordNet's ids."""
    data = resources.files("jaxalign").joinpath("data/lexicon.tsv").read_bytes()
    return concepts(read(parse(data, "the built-in lexicon")), languages)


def read(table: TableFile) -> WordTable:
    """Returns the list in a table; a missing or empty `kind` is "other", "concrete" is "physical".

    The kind "sentence" is "other" with cells that are taken whole (see `sentences`). Names of columns and
    kinds may be in any case.

    Raises:
        InputError: naming every missing or repeated column, row with too few or too many cells, missing or repeated
            id, other kind, and text in a column of numbers.
    """
    problems = Problems(table.source, _REMEDY)
    if not table.rows:
        problems.add("a header in line 1", "an empty file")
        problems.raise_all()
    header = tuple(_reserved(name) for name in table.rows[0].cells)
    if "id" not in header or all(map(_is_reserved, header)) or "" in header or len(set(header)) < len(header):
        names = ", ".join(map(repr, table.rows[0].cells))
        problems.add("columns id, kind and languages, each named once", names, table.rows[0].line)
        problems.raise_all()
    rows = _rows_of_width(table.rows[1:], len(header), problems)
    if not table.rows[1:]:
        problems.add("concepts", "no line after the header")
    columns = {name: tuple(row.cells[place] for row in rows) for place, name in enumerate(header)}
    kinds = [_kind(row, cell, problems) for row, cell in zip(rows, columns.get("kind", ("",) * len(rows)), strict=True)]
    _check_ids(rows, columns["id"], problems)
    covariates = {
        name.removeprefix(COVARIATE): _numbers(name, rows, columns, problems)
        for name in header
        if name.startswith(COVARIATE)
    }
    problems.raise_all()
    words = {name: column for name, column in columns.items() if not _is_reserved(name)}
    sentences = rows_of_sentences(columns.get("kind", ("",) * len(rows)), words.values(), table.source)
    lines = tuple(row.line for row in rows)
    return WordTable(table.source, columns["id"], tuple(kinds), lines, words, covariates, sentences)


def languages_of(table: WordTable) -> dict[str, str]:
    """Returns the columns that are languages by their name, ISO 639-1, ISO 639-3 or English: code -> column.

    Columns of numbers, and those whose name is a usual one for something else (pos, def), are not.

    Raises:
        InputError: two columns are one language.
    """
    column_of: dict[str, str] = {}
    for name, cells in table.columns.items():
        numbers = any(cells) and all(re.fullmatch(r"[-+.,\d\s%]*", cell) for cell in cells)
        usual = name.casefold() in _OTHER_COLUMNS and not table.sparse
        if is_language(name) and not usual and not numbers:
            if canonical(name) in column_of:
                _two_columns(table, canonical(name), (column_of[canonical(name)], name))
            column_of[canonical(name)] = name
    return column_of


def concepts(table: WordTable, languages: Sequence[str], missing: str = "error") -> Concepts:
    """Returns the concepts with the words of `languages`, in the order of the list.

    missing: what becomes of a concept without a word in one of them: "error"; "drop" leaves it out, with a count in
    `filters`; "keep" is "error", but reads cells such as NA and nan as words.

    Raises:
        InputError: naming every language without a column and every cell without a word.
    """
    chosen = {_label(language): _column(table, language) for language in languages}
    problems = Problems(table.source, "Fill the cells in the file of --concepts, or leave such concepts out with "
                        "--missing=drop.")  # fmt: skip
    answers: dict[str, list[tuple[str, ...]]] = {code: [] for code in chosen}
    kept = []
    for place, line in enumerate(table.lines):
        cells = {code: table.columns[name][place] for code, name in chosen.items()}
        whole = bool(table.sentences) and table.sentences[place]
        words_of = {code: _words(cell, code, missing, whole) for code, cell in cells.items()}
        if all(words_of.values()):
            kept.append(place)
            for code, words in words_of.items():
                answers[code].append(words)
        elif missing != "drop" and not table.sparse:
            for code in (code for code, words in words_of.items() if not words):
                cell = table.columns[chosen[code]][place]
                problems.add(f"a word in column {chosen[code]!r}", repr(cell) if cell else "an empty cell", line)
    problems.raise_all()
    filters = [("listed", len(table.ids))]
    if table.sparse or missing == "drop":
        filters.append(("a word in every language", len(kept)))
    if not kept:
        raise InputError(
            f"Expected concepts of {table.source} with a word in {', '.join(languages)}, got none of "
            f"{len(table.ids):,}. Ask for fewer --languages."
        )
    ids, kinds = (tuple(column[place] for place in kept) for column in (table.ids, table.kinds))
    first = {code: tuple(words[0] for words in column) for code, column in answers.items()}
    return Concepts(ids, kinds, first, tuple(filters), {code: tuple(column) for code, column in answers.items()})


def _label(language: str) -> str:
    if not re.fullmatch(r"\w+([-_]\w+)*", language):  # it becomes the name of a file
        raise InputError(f"Expected codes of languages such as en or zh-Hans, got {language!r}. Change --languages.")
    return canonical(language)


def _column(table: WordTable, language: str) -> str:
    """The column of a language: the one of that very name, or the one that is the same language."""
    same = [name for name in table.columns if name.casefold() == language.casefold()]
    same = same or [name for name in table.columns if is_language(name) and canonical(name) == canonical(language)]
    if len(same) > 1:
        _two_columns(table, language, same)
    if not same:
        unused = [name for name in table.columns if name not in languages_of(table).values()]
        other = f" and other columns ({', '.join(unused)})" if unused else ""
        raise InputError(
            f"Expected languages of {table.source}, which has {', '.join(languages_of(table)) or 'none'}{other}, got "
            f"{language!r}. Change --languages, or add the column."
        )
    return same[0]


def _two_columns(table: WordTable, language: str, names: Sequence[str]) -> None:
    raise InputError(
        f"Expected one column per language, got {' and '.join(map(repr, names))} for {language!r} in {table.source}. "
        "Remove or rename one of them in the file of --concepts."
    )


def _words(cell: str, language: str, missing: str, whole: bool) -> tuple[str, ...]:
    if cell in _NO_WORD and missing != "keep" or not is_text(cell):
        return ()
    return sentence_of_cell(cell) if whole else words_of_cell(cell, language)


def _reserved(name: str) -> str:
    """The name of a column; those that are not words in lower case."""
    folded = name.casefold()
    return folded if folded in ("id", "kind") else COVARIATE + name[len(COVARIATE) :] if _is_covariate(folded) else name


def _is_covariate(name: str) -> bool:
    return name.startswith(COVARIATE)


def _is_reserved(name: str) -> bool:
    return name in ("id", "kind") or _is_covariate(name)


def _rows_of_width(rows: Sequence[Row], width: int, problems: Problems) -> list[Row]:
    for row in rows:
        if len(row.cells) != width:
            problems.add(f"{width} cells as in the header", str(len(row.cells)), row.line)
    return [row for row in rows if len(row.cells) == width]


def _kind(row: Row, cell: str, problems: Problems) -> str:
    kind = {"": "other", SENTENCE: "other", "concrete": "physical"}.get(cell.casefold(), cell.casefold())
    if kind not in KINDS:
        known = f"{', '.join(KINDS)} (or concrete, for physical; sentence, for a text)"
        problems.add(f"a kind of {known}", repr(cell), row.line)
    return kind


def _check_ids(rows: Sequence[Row], ids: Sequence[str], problems: Problems) -> None:
    first: dict[str, int] = {}
    for row, name in zip(rows, ids, strict=True):
        if not is_text(name):
            problems.add("a word in column 'id'", repr(name) if name else "an empty cell", row.line)
        elif name in first:
            problems.add("each id once", f"{name!r} again, as in line {first[name]},", row.line)
        first.setdefault(name, row.line)


def _numbers(
    name: str, rows: Sequence[Row], columns: dict[str, tuple[str, ...]], problems: Problems
) -> dict[str, float]:
    """The numbers of a column by id, nan for an empty cell or one such as NA."""
    numbers = {}
    for row, concept, cell in zip(rows, columns["id"], columns[name], strict=True):
        try:
            numbers[concept] = float("nan" if not cell or cell in _NO_WORD else cell)
        except ValueError:
            problems.add(f"a number in column {name!r}", repr(cell), row.line)
    return numbers
