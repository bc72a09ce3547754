"""Concepts from WordNet 3.0 and the Open Multilingual Wordnet: which synsets, which words, abstract or physical."""

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from jaxalign.concepts.word_forms import clean, form, table_code
from jaxalign.concepts.wordnet_files import REMEDY, Files
from jaxalign.types import Concepts, InputError

ROOT, ABSTRACTION, PHYSICAL_ENTITY = 1740, 2137, 1930  # entity.n.01, abstraction.n.06, physical_entity.n.01
BOTH = ("physical", "abstract", "drop")


class Nouns(NamedTuple):
    """Noun synsets by their offset in WordNet 3.0, in the order of the file."""

    lemmas: dict[int, tuple[str, ...]]
    hypernyms: dict[int, tuple[int, ...]]  # of classes and of instances
    topics: dict[int, tuple[int, ...]]  # nouns it is labelled with as their domain
    files: dict[int, int]  # number of the lexicographer file, lexnames(5WN)
    senses: dict[int, int]  # sense number of the first lemma, from 1


def concepts(files: Files, languages: Sequence[str], *, min_depth: int = 5, both: str = "physical") -> Concepts:
    """Concepts that all `languages` have a word for, in the order of WordNet's noun file.

    The filters, in order, each counted in `filters`:
      nouns       all noun synsets
      shared      those with a lemma in each language
      depth       those `min_depth` or more links below entity.n.01 on the shortest hypernym path (instances included)
      clean       those with a word in each language: the first listed lemma that is not empty when clean
      kinds       only with both="drop": not below both abstraction.n.06 and physical_entity.n.01
      distinct    a form (case aside) stands, in each language, for one concept. Concepts are visited by sense number of
                  their first English lemma, then by offset; one with a form already taken in any language goes
    A synset below abstraction.n.06 is "abstract", below physical_entity.n.01 "physical", below neither "other"; below
    both (gold: a substance is matter and part) it is what `both` says.

    Raises InputError where the data is damaged or nothing is left.
    """
    if both not in BOTH:
        raise InputError(f"Expected one of {', '.join(BOTH)} for synsets of both kinds, got {both!r}.")
    nouns = parse(files)
    listed = {
        code: lemmas(files.tables[code], table_code(code)) if code in files.tables else nouns.lemmas
        for code in languages
    }
    tree = below(nouns)
    depth = depths(tree)
    steps = [("nouns", list(nouns.lemmas))]
    steps.append(("shared", [it for it in nouns.lemmas if all(it in table for table in listed.values())]))
    steps.append((f"depth {min_depth}", [it for it in steps[-1][1] if depth.get(it, 0) >= min_depth]))
    words = {code: {it: _first(table[it], code) for it in steps[-1][1]} for code, table in listed.items()}
    steps.append(("clean", [it for it in steps[-1][1] if all(found[it] for found in words.values())]))
    kinds = _kinds(tree, steps[-1][1], both)
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
        tuple(name(nouns, it) for it in kept),
        tuple(kinds[it] for it in kept),
        {code: tuple(found[it] for it in kept) for code, found in words.items()},
        tuple((step, len(left)) for step, left in steps),
    )


def parse(files: Files) -> Nouns:
    """The noun synsets of WordNet's `data.noun` and `index.noun`, in the format of wndb(5WN)."""
    nouns = Nouns({}, {}, {}, {}, {})
    try:
        for line in files.nouns.decode("utf-8").split("\n"):
            if line and line[0] != " ":
                _synset(nouns, line[: line.index("|")].split())
        places = _places(files.senses.decode("utf-8"), {words[0].lower() for words in nouns.lemmas.values()})
        for it, words in nouns.lemmas.items():
            nouns.senses[it] = places[words[0].lower()].index(it) + 1
    except (ValueError, IndexError, KeyError) as error:
        raise InputError(f"Expected WordNet 3.0 noun files, got a line that is none ({error}). {REMEDY}") from error
    if not {ROOT, ABSTRACTION, PHYSICAL_ENTITY} <= nouns.lemmas.keys():
        raise InputError(f"Expected WordNet 3.0, got noun files without its top synsets. {REMEDY}")
    return nouns


def _synset(nouns: Nouns, fields: list[str]) -> None:
    it, after = int(fields[0]), 4 + 2 * int(fields[3], 16)
    end = after + 1 + 4 * int(fields[after])
    nouns.files[it] = int(fields[1])
    nouns.lemmas[it] = tuple(fields[4:after:2])
    signs, targets, parts = (fields[after + place : end : 4] for place in (1, 2, 3))
    links = list(zip(signs, targets, parts, strict=True))
    nouns.hypernyms[it] = tuple([int(to) for sign, to, _ in links if sign[0] == "@"])
    nouns.topics[it] = tuple([int(to) for sign, to, part in links if sign == ";c" and part == "n"])


def _places(index: str, needed: set[str]) -> dict[str, list[int]]:
    """Synset offsets of the noun senses of each lemma, most frequent first."""
    found = {}
    for line in index.split("\n"):
        lemma = line[: line.find(" ")]
        if lemma in needed:
            fields = line.split()
            found[lemma] = [int(offset) for offset in fields[-int(fields[2]) :]]
    return found


def lemmas(table: bytes, code: str) -> dict[int, tuple[str, ...]]:
    """Noun lemmas by synset offset, in the order listed, from an Open Multilingual Wordnet table (ISO 639-3 `code`).

    Lines are `offset-pos<TAB>[code:]lemma<TAB>word`; definitions and examples are passed over.
    """
    found: dict[int, list[str]] = defaultdict(list)
    label = re.escape(code.split("_")[0])
    line = re.compile(rf"^(\d{{8}})-n\t(?:{label}:)?lemma\t(?:.*\t)?([^\t\n]*)$", re.MULTILINE)
    try:
        text = table.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"Expected a wordnet table for {code} in UTF-8, got {error}. {REMEDY}") from error
    for offset, lemma in line.findall(text):
        words, word = found[int(offset)], lemma.strip()
        if word not in words:
            words.append(word)
    return {it: tuple(words) for it, words in found.items()}


def name(nouns: Nouns, it: int) -> str:
    """The synset's name as nltk gives it: "dog.n.01"."""
    return f"{nouns.lemmas[it][0].lower()}.n.{nouns.senses[it]:02d}"


def below(nouns: Nouns) -> dict[int, list[int]]:
    """Hyponyms and instances of each synset that has some."""
    found: dict[int, list[int]] = defaultdict(list)
    for it, above in nouns.hypernyms.items():
        for parent in above:
            found[parent].append(it)
    return dict(found)


def depths(below: dict[int, list[int]], root: int = ROOT) -> dict[int, int]:
    """Links of the shortest hypernym path from each synset under `root` up to it; the keys are the closure."""
    depth, level, links = {root: 0}, [root], 0
    while level:
        links += 1
        reached = dict.fromkeys(child for parent in level for child in below.get(parent, ()))
        level = [it for it in reached if it not in depth]
        depth.update(dict.fromkeys(level, links))
    return depth


def _first(listed: Sequence[str], language: str) -> str:
    return next(filter(None, (clean(lemma, language) for lemma in listed)), "")


def _kinds(tree: dict[int, list[int]], kept: Sequence[int], both: str) -> dict[int, str]:
    """The kind of each synset; those below both roots are missing where they are dropped."""
    abstract, physical = depths(tree, ABSTRACTION), depths(tree, PHYSICAL_ENTITY)
    name_of = {(True, True): both, (True, False): "abstract", (False, True): "physical", (False, False): "other"}
    kinds = {it: name_of[it in abstract, it in physical] for it in kept}
    return {it: kind for it, kind in kinds.items() if kind != "drop"}


def _distinct(kept: Sequence[int], words: dict[str, dict[int, str]], senses: dict[int, int]) -> list[int]:
    taken: dict[str, set[str]] = {code: set() for code in words}
    chosen = set()
    for it in sorted(kept, key=lambda it: (senses[it], it)):
        forms = {code: form(found[it]) for code, found in words.items()}
        if not any(forms[code] in taken[code] for code in words):
            chosen.add(it)
            for code in words:
                taken[code].add(forms[code])
    return [it for it in kept if it in chosen]
