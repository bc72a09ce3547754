"""What may stand behind a difference between abstract and physical concepts, and samples matched on it."""

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int64

from jaxalign.concepts import wordnet, wordnet_files
from jaxalign.concepts.word_forms import ISO_639_3, clean, form, table_code
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
_CALIPERS = (np.inf, 2.0, 1.0, 0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01, 0.0)


class Forms(NamedTuple):
    """How alike two columns of words are written, row by row."""

    exact: Bool[np.ndarray, " concept"]
    folded: Bool[np.ndarray, " concept"]  # the same without case
    plain: Bool[np.ndarray, " concept"]  # the same without case and diacritics
    distance: Float64[np.ndarray, " concept"]  # normalised edit distance without case, 0 the same, 1 nothing in common


class Matched(NamedTuple):
    """Pairs of an abstract and a physical row that are alike in traits."""

    abstract: Int64[np.ndarray, " pair"]
    physical: Int64[np.ndarray, " pair"]
    differences: dict[str, float]  # standardised difference of means, abstract - physical; nan without pairs


def senses(concepts: Concepts, language: str) -> Int64[np.ndarray, " concept"]:
    """Noun senses of each word: the synsets that list it (without case) in the language's wordnet, 0 for none."""
    files = wordnet_files.read([language])
    if language in files.tables:
        listed = wordnet.lemmas(files.tables[language], table_code(language))
    else:
        listed = wordnet.parse(files).lemmas
    count = Counter(word for lemmas in listed.values() for word in {form(clean(lemma, language)) for lemma in lemmas})
    return np.array([count[form(word)] for word in _words(concepts, language)], np.int64)


def frequency(concepts: Concepts, language: str) -> Float64[np.ndarray, " concept"]:
    """Zipf frequency of each word by wordfreq: log10 of occurrences in 10^9 words; 0 for words it does not know.

    Raises InputError for a language without a list of its own (Basque would silently get Spanish figures), and where
    wordfreq or the word splitter it needs for Japanese and Chinese is not installed.
    """
    try:
        import wordfreq
    except ImportError as error:
        raise InputError(
            "Expected wordfreq, got no such package. Run `pip install jaxalign[study]`, "
            "or drop matched from --controls."
        ) from error
    code = {long: short for short, long in ISO_639_3.items()}.get(language, language)
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


def form_overlap(a_words: Sequence[str], b_words: Sequence[str]) -> Forms:
    """Which rows have the same form in both columns, and how far apart the others are.

    The distance is Levenshtein's over the length of the longer word, both without case; diacritics count. Only Latin
    and Greek letters lose diacritics: in kana and Thai the marks tell letters apart.
    """
    a, b = [form(word) for word in a_words], [form(word) for word in b_words]
    longer = np.array([max(len(x), len(y), 1) for x, y in zip(a, b, strict=True)])
    return Forms(
        np.array([x == y for x, y in zip(a_words, b_words, strict=True)], bool),
        np.array([x == y for x, y in zip(a, b, strict=True)], bool),
        np.array([_plain(x) == _plain(y) for x, y in zip(a, b, strict=True)], bool),
        edit_distance(a, b) / longer,
    )


def edit_distance(a: Sequence[str], b: Sequence[str]) -> Int64[np.ndarray, " concept"]:
    """Levenshtein distance of each row: insertions, deletions and substitutions that turn a into b."""
    left, right = _letters(a), _letters(b)
    table = np.zeros((left.shape[1] + 1, right.shape[1] + 1, len(a)), np.int32)
    table[:, 0] = np.arange(left.shape[1] + 1)[:, None]
    table[0] = np.arange(right.shape[1] + 1)[:, None]
    for i in range(left.shape[1]):
        other = left[:, i] != right.T  # (letter of b, concept)
        for j in range(right.shape[1]):
            table[i + 1, j + 1] = np.minimum(np.minimum(table[i, j + 1], table[i + 1, j]) + 1, table[i, j] + other[j])
    ends = [len(word) for word in a], [len(word) for word in b], range(len(a))
    return table[tuple(np.array(end, np.int64) for end in ends)].astype(np.int64)


def domains(concepts: Concepts) -> dict[str, Bool[np.ndarray, " concept"]]:
    """Which concepts are in which of DOMAINS: below one of its synsets or in one of its files. Others are in none.

    Topic domains of WordNet are not used: most synsets of a field do not have one.
    """
    nouns = wordnet.parse(wordnet_files.read([]))
    place = {wordnet.name(nouns, it): it for it in nouns.lemmas}
    tree = wordnet.below(nouns)
    rows = [place.get(name, -1) for name in concepts.ids]
    masks = {}
    for domain, (roots, files) in DOMAINS.items():
        below = {it for root in roots for it in wordnet.depths(tree, place[root])}
        masks[domain] = np.array([it in below or nouns.files.get(it) in files for it in rows], bool)
    return masks


def matched(
    kinds: Sequence[str], traits: Mapping[str, np.ndarray], rng_seed: int = 0, *, limit: float = 0.1
) -> Matched:
    """As many abstract as physical rows, alike in all `traits` (name -> one number a row).

    Nearest neighbour matching without replacement: rows of the rarer kind, in random order, take the nearest free row
    of the other (greatest difference of any trait, in standard deviations) within a caliper. It is the widest caliper
    for which each trait's standardised difference of means, (mean_a - mean_p) / sqrt((var_a + var_p) / 2), is below
    `limit` with the variances before and after matching (Austin 2011, doi:10.1080/00273171.2011.568786). Rows with a
    trait that is not a number take no part. Where no caliper does, the pairs are those equal in every trait; there may
    be none.
    """
    names = list(traits)
    values = np.array([np.asarray(traits[name], float) for name in names]).reshape(len(names), len(kinds))
    usable = np.isfinite(values).all(axis=0)
    rows = {kind: np.flatnonzero((np.array(kinds, dtype=str) == kind) & usable) for kind in ("abstract", "physical")}
    few, many = sorted(rows, key=lambda kind: len(rows[kind]))
    if not len(rows[few]):
        return Matched(rows[few], rows[few], dict.fromkeys(names, float("nan")))
    spread = _spread(values[:, rows["abstract"]], values[:, rows["physical"]])
    unit = np.where(spread > 0, spread, 1.0)[:, None]
    apart = np.zeros((len(rows[few]), len(rows[many])))
    for scaled in values / unit:
        apart = np.maximum(apart, np.abs(scaled[rows[few]][:, None] - scaled[rows[many]][None]))
    order = np.random.default_rng(rng_seed).permutation(len(rows[few]))
    for caliper in _CALIPERS:
        pairs = _pair(apart, order, caliper)
        chosen = {few: rows[few][pairs[:, 0]], many: rows[many][pairs[:, 1]]}
        differences = _differences(values, chosen["abstract"], chosen["physical"], spread)
        if len(pairs) and np.all(np.abs(differences) < limit):
            break
    by_name = dict(zip(names, differences.tolist(), strict=True))
    return Matched(chosen["abstract"], chosen["physical"], by_name)


def _pair(apart: np.ndarray, order: np.ndarray, caliper: float) -> np.ndarray:
    """(pair, 2) positions in rows and columns of `apart`, sorted by row; each is used once."""
    free = np.zeros(apart.shape[1])  # infinite once taken
    pairs = []
    for row in order:
        cost = apart[row] + free
        nearest = int(np.argmin(cost))
        if cost[nearest] <= caliper and np.isfinite(cost[nearest]):
            pairs.append((int(row), nearest))
            free[nearest] = np.inf
    return np.array(sorted(pairs), np.int64).reshape(-1, 2)


def _spread(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Square root of the mean of both variances, for each trait."""
    return np.sqrt((a.var(axis=1) + b.var(axis=1)) / 2)


def _differences(values: np.ndarray, abstract: np.ndarray, physical: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Standardised differences of means by the smaller of the spreads before and after; 0 where means are equal."""
    if not len(abstract):
        return np.full(len(values), np.nan)
    a, b = values[:, abstract], values[:, physical]
    spread = np.minimum(before, _spread(a, b))
    gap = a.mean(axis=1) - b.mean(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(gap == 0, 0.0, gap / spread)


def _words(concepts: Concepts, language: str) -> tuple[str, ...]:
    if language not in concepts.words:
        raise InputError(f"Expected a language of the concepts ({', '.join(concepts.words)}), got {language!r}.")
    return concepts.words[language]


def _letters(words: Sequence[str]) -> np.ndarray:
    """(concept, letter) code points, 0 past the end."""
    letters = np.zeros((len(words), max(map(len, words), default=0)), np.int32)
    for row, word in enumerate(words):
        letters[row, : len(word)] = [ord(letter) for letter in word]
    return letters


def _plain(word: str) -> str:
    kept, base = [], ""
    for sign in unicodedata.normalize("NFD", word):
        if not unicodedata.combining(sign):
            base = unicodedata.name(sign, "")
        if not (unicodedata.combining(sign) and base.startswith(("LATIN", "GREEK"))):
            kept.append(sign)
    return unicodedata.normalize("NFC", "".join(kept))
