"""Concepts from WordNet 3.0 and the Open Multilingual Wordnet: which synsets, which words, abstract or physical."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from jaxalign.concepts.word_forms import ignoring_case, words_of_lemmas
from jaxalign.concepts.wordnet_files import REMEDY, Files, key
from jaxalign.types import Concepts, InputError, Occurrence

ROOT, ABSTRACTION, PHYSICAL_ENTITY = 1740, 2137, 1930  # entity.n.01, abstraction.n.06, physical_entity.n.01
BOTH = ("physical", "abstract", "drop")
_EXAMPLE = re.compile(r'"([^"]*)"')
_LEMMA_LINE = re.compile(r"^(\d{8})-n\t(?:([a-z]{3}):)?lemma\t(.*)$", re.MULTILINE)


class Nouns(NamedTuple):
    """Noun synsets by their offset in WordNet 3.0, in the order of the file."""

    lemmas: dict[int, tuple[str, ...]]
    hypernyms: dict[int, tuple[int, ...]]  # of classes and of instances
    topics: dict[int, tuple[int, ...]]  # noun synsets that it is labelled with as their domain
    files: dict[int, int]  # number of the lexicographer file, lexnames(5WN)
    senses: dict[int, int]  # sense number of the first lemma, from 1


def concepts(files: Files, languages: Sequence[str], *, min_depth: int = 5, both: str = "physical") -> Concepts:
    """Returns the concepts that have a word in each of `languages`, in the order of WordNet's noun file.

    The filters, in order, each counted in `filters`:
      nouns       all noun synsets
      shared      those with a lemma in each language
      depth       those `min_depth` or more links below entity.n.01 on the shortest hypernym path (instances included)
      clean       those with a word in each language: the first of `words_of_lemmas`
      kinds       only with both="drop": not below both abstraction.n.06 and physical_entity.n.01
      distinct    in each language, a form (ignoring case) stands for one concept. Concepts are visited by sense number
                  of their first English lemma, then by offset; one whose form is already used in any language is
                  removed
    A synset below abstraction.n.06 is "abstract", below physical_entity.n.01 "physical", below neither "other"; below
    both (gold: a substance is matter and part) it is what `both` says.

    Raises:
        InputError: the data is damaged, or no concept is left.
    """
    if both not in BOTH:
        raise InputError(f"Expected one of {', '.join(BOTH)} for synsets of both kinds, got {both!r}.")
    nouns = parse(files)
    listed = {code: lemmas(files.tables[code], code) if code in files.tables else nouns.lemmas for code in languages}
    children = hyponyms(nouns)
    depth = depths(children)
    steps = [("nouns", list(nouns.lemmas))]
    steps.append(("shared", [offset for offset in nouns.lemmas if all(offset in table for table in listed.values())]))
    steps.append((f"depth {min_depth}", [offset for offset in steps[-1][1] if depth.get(offset, 0) >= min_depth]))
    clean = {
        code: {offset: words_of_lemmas(table[offset], code) for offset in steps[-1][1]}
        for code, table in listed.items()
    }
    steps.append(("clean", [offset for offset in steps[-1][1] if all(column[offset] for column in clean.values())]))
    words = {code: {offset: column[offset][0] for offset in steps[-1][1]} for code, column in clean.items()}
    kinds = _kinds(children, steps[-1][1], both)
    if both == "drop":
        steps.append(("kinds", list(kinds)))
    steps.append(("distinct", _distinct(steps[-1][1], words, nouns.senses)))
    kept = steps[-1][1]
    if not kept:
        counts = ", ".join(f"{name} {len(left):,}" for name, left in steps)
        raise InputError(
            f"Expected concepts that {', '.join(languages)} share, got none ({counts}). "
            "Ask for fewer --languages, or lower --min_depth."
        )
    return Concepts(
        tuple(name(nouns, offset) for offset in kept),
        tuple(kinds[offset] for offset in kept),
        {code: tuple(column[offset] for offset in kept) for code, column in words.items()},
        tuple((step, len(left)) for step, left in steps),
        {code: tuple(column[offset] for offset in kept) for code, column in clean.items()},
    )


def parse(files: Files) -> Nouns:
    """Returns the noun synsets of WordNet's `data.noun` and `index.noun`, in the format of wndb(5WN)."""
    nouns = Nouns({}, {}, {}, {}, {})
    try:
        for line in files.nouns.decode("utf-8").split("\n"):
            if line and line[0] != " ":
                _add_synset(nouns, line[: line.index("|")].split())
        ordered = _offsets_by_sense(files.senses.decode("utf-8"), {words[0].lower() for words in nouns.lemmas.values()})
        for offset, words in nouns.lemmas.items():
            nouns.senses[offset] = ordered[words[0].lower()].index(offset) + 1
    except (ValueError, IndexError, KeyError) as error:
        raise InputError(f"Expected WordNet 3.0 noun files, got a wrong line ({error}). {REMEDY}") from error
    if not {ROOT, ABSTRACTION, PHYSICAL_ENTITY} <= nouns.lemmas.keys():
        raise InputError(f"Expected WordNet 3.0, got noun files without its top synsets. {REMEDY}")
    return nouns


def _add_synset(nouns: Nouns, fields: list[str]) -> None:
    offset, after = int(fields[0]), 4 + 2 * int(fields[3], 16)
    end = after + 1 + 4 * int(fields[after])
    nouns.files[offset] = int(fields[1])
    nouns.lemmas[offset] = tuple(fields[4:after:2])
    symbols, targets, parts = (fields[after + start : end : 4] for start in (1, 2, 3))
    pointers = list(zip(symbols, targets, parts, strict=True))
    nouns.hypernyms[offset] = tuple([int(target) for symbol, target, _ in pointers if symbol[0] == "@"])
    nouns.topics[offset] = tuple([int(target) for symbol, target, part in pointers if symbol == ";c" and part == "n"])


def _offsets_by_sense(index: str, needed: set[str]) -> dict[str, list[int]]:
    """Synset offsets of the noun senses of each lemma, most frequent first."""
    offsets = {}
    for line in index.split("\n"):
        lemma = line[: line.find(" ")]
        if lemma in needed:
            fields = line.split()
            offsets[lemma] = [int(offset) for offset in fields[-int(fields[2]) :]]
    return offsets


def lemmas(table: bytes, language: str) -> dict[int, tuple[str, ...]]:
    """Returns noun lemmas by synset offset, in the order listed, from an Open Multilingual Wordnet table.

    Lines are `offset-pos<TAB>[code:]lemma<TAB>word`; definitions and examples are ignored.
    """
    try:
        text = table.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"Expected a wordnet table for {language} in UTF-8, got {error}. {REMEDY}") from error
    listed: dict[int, list[str]] = defaultdict(list)
    labels = {"": True}  # label of a line -> whether it is this language's
    for offset, label, fields in _LEMMA_LINE.findall(text):
        if label not in labels:
            labels[label] = key(label) == key(language.split("_")[0])
        words, word = listed[int(offset)], _lemma(fields)
        if labels[label] and word not in words:
            words.append(word)
    return {offset: tuple(words) for offset, words in listed.items() if words}


def _lemma(fields: str) -> str:
    """The lemma of a line's last fields: some tables have a number before it, others a count behind it."""
    first, *rest = (field.strip() for field in fields.rstrip("\r").split("\t"))
    return rest[-1] if rest and first.isdigit() and not rest[-1].isdigit() else first


def name(nouns: Nouns, offset: int) -> str:
    """Returns the synset's name as nltk gives it: "dog.n.01"."""
    return f"{nouns.lemmas[offset][0].lower()}.n.{nouns.senses[offset]:02d}"


def sentences(files: Files, ids: Sequence[str], words: Sequence[str]) -> tuple[tuple[Occurrence, ...], ...]:
    """Returns of each concept `definition: word`, and the examples that hold its word or another lemma of its synset.

    ids: names of synsets as nltk gives them, "dog.n.01"; words: the English word of each.

    Raises:
        InputError: an id is no noun synset of WordNet 3.0.
    """
    nouns = parse(files)
    offset_of = {name(nouns, offset): offset for offset in nouns.lemmas}
    if unknown := [concept for concept in ids if concept not in offset_of]:
        raise InputError(
            f"Expected concepts named by synsets of WordNet (dog.n.01) with --contexts=wordnet, got {unknown[0]!r} and "
            f"{len(unknown) - 1:,} others. Give --contexts=carrier or a file."
        )
    wanted = {offset_of[concept] for concept in ids}
    lines = (line for line in files.nouns.decode("utf-8").split("\n") if line and line[0] != " ")
    glosses = {int(line[:8]): line.partition("|")[2] for line in lines if int(line[:8]) in wanted}
    offsets = (offset_of[concept] for concept in ids)
    return tuple(
        tuple(_sentences(word, nouns.lemmas[offset], glosses[offset]))
        for word, offset in zip(words, offsets, strict=True)
    )


def _sentences(word: str, lemmas: Sequence[str], gloss: str) -> Iterator[Occurrence]:
    """A gloss is a definition and examples in double quotes, separated by semicolons.

    The word stands behind the definition: a causal model sees nothing of what follows a word.
    """
    examples = (" ".join(example.split()) for example in _EXAMPLE.findall(gloss))
    meaning = " ".join(_EXAMPLE.sub("", gloss).split()).strip(" ;")
    yield Occurrence(f"{meaning}: {word}", len(meaning) + 2, len(meaning) + 2 + len(word))
    forms = dict.fromkeys([word, *(lemma.replace("_", " ") for lemma in lemmas)])
    found = re.compile(rf"\b(?:{'|'.join(map(re.escape, forms))})\b", re.IGNORECASE)
    for example in examples:
        if match := found.search(example):
            yield Occurrence(example, *match.span())


def hyponyms(nouns: Nouns) -> dict[int, list[int]]:
    """Returns the hyponyms and instances of each synset that has some."""
    children: dict[int, list[int]] = defaultdict(list)
    for offset, parents in nouns.hypernyms.items():
        for parent in parents:
            children[parent].append(offset)
    return dict(children)


def depths(children: dict[int, list[int]], root: int = ROOT) -> dict[int, int]:
    """Returns the links of the shortest hypernym path from each synset below `root` to it; the keys are the closure."""
    depth, level, links = {root: 0}, [root], 0
    while level:
        links += 1
        reached = dict.fromkeys(child for parent in level for child in children.get(parent, ()))
        level = [offset for offset in reached if offset not in depth]
        depth.update(dict.fromkeys(level, links))
    return depth


def _kinds(children: dict[int, list[int]], kept: Sequence[int], both: str) -> dict[int, str]:
    """The kind of each synset; with both="drop" those below both roots are missing."""
    abstract, physical = depths(children, ABSTRACTION), depths(children, PHYSICAL_ENTITY)
    kind_of = {(True, True): both, (True, False): "abstract", (False, True): "physical", (False, False): "other"}
    kinds = {offset: kind_of[offset in abstract, offset in physical] for offset in kept}
    return {offset: kind for offset, kind in kinds.items() if kind != "drop"}


def _distinct(kept: Sequence[int], words: dict[str, dict[int, str]], senses: dict[int, int]) -> list[int]:
    used: dict[str, set[str]] = {code: set() for code in words}
    chosen = set()
    for offset in sorted(kept, key=lambda offset: (senses[offset], offset)):
        forms = {code: ignoring_case(column[offset], code) for code, column in words.items()}
        if not any(forms[code] in used[code] for code in words):
            chosen.add(offset)
            for code in words:
                used[code].add(forms[code])
    return [offset for offset in kept if offset in chosen]
