"""What may explain a difference between abstract and physical concepts: frequency, senses, shared forms, domain."""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int64

from jaxalign import languages
from jaxalign.concepts import wordnet, wordnet_files
from jaxalign.concepts.word_forms import ignoring_case, words_of_lemmas
from jaxalign.types import Concepts, InputError

# What makes a domain: hyponym closures of synsets and lexicographer files (lexnames(5WN)). They may overlap.
DOMAINS: dict[str, tuple[tuple[str, ...], tuple[int, ...]]] = {
    "medical": (("ill_health.n.01", "symptom.n.01", "medicine.n.02", "medical_procedure.n.01", "medical_science.n.01",
                 "health_professional.n.01", "medical_instrument.n.01", "medical_building.n.01"), ()),
    "technical": (("machine.n.01", "instrument.n.01", "electronic_equipment.n.01", "natural_science.n.01",
                   "mathematics.n.01", "engineering.n.02", "unit_of_measurement.n.01", "chemical_element.n.01",
                   "compound.n.02", "computer_science.n.01"), ()),
    "everyday": (("clothing.n.01", "footwear.n.02", "furniture.n.01", "tableware.n.01", "kitchen_utensil.n.01",
                  "room.n.01", "dwelling.n.01", "relative.n.01", "domestic_animal.n.01", "beverage.n.01"), (13,)),
    "feelings": (("feeling.n.01",), (12,)),
    "animals": (("animal.n.01",), ()),
    "plants": (("plant.n.02",), ()),
    "body": (("body_part.n.01",), (8,)),
    "people": (("person.n.01",), ()),
    "places": (("geological_formation.n.01", "body_of_water.n.01"), (15,)),
    "time": (("time_unit.n.01", "time_period.n.01"), (28,)),
}  # fmt: skip


class FormOverlap(NamedTuple):
    """How similarly two columns of words are written, row by row."""

    exact: Bool[np.ndarray, " concept"]
    folded: Bool[np.ndarray, " concept"]  # the same ignoring case
    plain: Bool[np.ndarray, " concept"]  # the same ignoring case and diacritics
    distance: Float64[np.ndarray, " concept"]  # normalised edit distance ignoring case, 0 to 1


def senses(concepts: Concepts, language: str) -> Int64[np.ndarray, " concept"]:
    """Returns the noun senses of each word: the synsets of the language's wordnet that list it, ignoring case."""
    files = wordnet_files.read([language])
    if language in files.tables:
        listed = wordnet.lemmas(files.tables[language], language)
    else:
        listed = wordnet.parse(files).lemmas
    synsets = Counter(
        word
        for lemmas in listed.values()
        for word in {ignoring_case(word, language) for word in words_of_lemmas(lemmas, language)}
    )
    return np.array([synsets[ignoring_case(word, language)] for word in _words(concepts, language)], np.int64)


def frequency(concepts: Concepts, language: str) -> Float64[np.ndarray, " concept"]:
    """Returns the Zipf frequency of each word by wordfreq: log10 of occurrences in 10^9 words; 0 for unknown words.

    Raises:
        InputError: wordfreq has no list of this language (for Basque it would silently use the Spanish one), or
            wordfreq, or the word splitter it needs for Japanese and Chinese, is not installed.
    """
    try:
        import wordfreq
    except ImportError as error:
        raise InputError(
            "Expected the package wordfreq, got none. Run `pip install jaxalign[study]`, "
            "or drop matched from --controls."
        ) from error
    code = languages.canonical(language)
    available = sorted(wordfreq.available_languages("best"))
    if code not in available:
        raise InputError(
            f"Expected a language that wordfreq has a list of ({', '.join(available)}), got {language!r}. "
            "Drop matched from --controls."
        )
    try:
        return np.array([wordfreq.zipf_frequency(word, code) for word in _words(concepts, language)])
    except ImportError as error:
        raise InputError(
            f"Expected wordfreq's word splitter for {language!r}, got {error}. "
            "Run `pip install wordfreq[cjk]`, or drop matched from --controls."
        ) from error


def form_overlap(a_words: Sequence[str], b_words: Sequence[str]) -> FormOverlap:
    """Returns which rows have the same form in both columns, and how far the others differ.

    The distance is Levenshtein's divided by the length of the longer word, both ignoring case; diacritics count. Only
    Latin and Greek letters lose diacritics: in kana and Thai the marks distinguish letters.
    """
    from rapidfuzz.distance import Levenshtein

    pairs = list(zip(a_words, b_words, strict=True))
    folded = [(ignoring_case(a), ignoring_case(b)) for a, b in pairs]
    return FormOverlap(
        np.array([a == b for a, b in pairs], bool),
        np.array([a == b for a, b in folded], bool),
        np.array([_without_diacritics(a) == _without_diacritics(b) for a, b in folded], bool),
        np.array([Levenshtein.normalized_distance(a, b) for a, b in folded], float),
    )


def domains(concepts: Concepts) -> dict[str, Bool[np.ndarray, " concept"]]:
    """Returns which concepts belong to each of DOMAINS: below one of its synsets or in one of its lexicographer files.

    Concepts that are not synsets belong to none. WordNet's own topic domains are not used: most synsets of a field have
    none.
    """
    nouns = wordnet.parse(wordnet_files.read([]))
    offset_of = {wordnet.name(nouns, offset): offset for offset in nouns.lemmas}
    hyponyms = wordnet.hyponyms(nouns)
    offsets = [offset_of.get(name, -1) for name in concepts.ids]
    masks = {}
    for domain, (roots, files) in DOMAINS.items():
        members = {offset for root in roots for offset in wordnet.depths(hyponyms, offset_of[root])}
        masks[domain] = np.array([offset in members or nouns.files.get(offset) in files for offset in offsets], bool)
    return masks


def _words(concepts: Concepts, language: str) -> tuple[str, ...]:
    if language not in concepts.words:
        raise InputError(f"Expected a language of the concepts ({', '.join(concepts.words)}), got {language!r}.")
    return concepts.words[language]


@lru_cache(maxsize=1 << 16)
def _without_diacritics(word: str) -> str:
    kept, base = [], ""
    for character in unicodedata.normalize("NFD", word):
        if not unicodedata.combining(character):
            base = unicodedata.name(character, "")
        if not (unicodedata.combining(character) and base.startswith(("LATIN", "GREEK"))):
            kept.append(character)
    return unicodedata.normalize("NFC", "".join(kept))
