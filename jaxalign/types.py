"""The records that pass between folders, and the axis words.

concept  a WordNet synset (or a row of one's own list); the rows of every space
query    a concept looked up from the source language;  target  its candidates in the other
batch    texts computed together;  row  one forest of a batch;  slot  one token of a row
vector   one pooled vector of a row;  feature  a column of a space
layer    0 = embeddings, L = after the last block and the final norm;  head, token, vocab as usual
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int32


class InputError(ValueError):
    """Something from outside is wrong: says what was expected, what was found and what to do."""


class Occurrence(NamedTuple):
    """A sentence, and the characters `begin:end` of it that are the word of a concept."""

    text: str
    begin: int
    end: int


class Contexts(NamedTuple):
    """Sentences in which the words of concepts stand, one or more for each concept and language."""

    name: str  # "carrier", "wordnet" or the name of the file
    sentences: dict[str, tuple[tuple[Occurrence, ...], ...]]  # language -> sentences of each concept


class Concepts(NamedTuple):
    """Concepts with one word a language; every tuple is aligned with `ids`."""

    ids: tuple[str, ...]  # "dog.n.01" or a key of the user's list
    kinds: tuple[str, ...]  # "abstract", "physical" or "other"
    words: dict[str, tuple[str, ...]]  # ISO 639-1 language -> clean words
    filters: tuple[tuple[str, int], ...]  # name of each filter and the number of concepts it left
    answers: dict[str, tuple[tuple[str, ...], ...]] = {}  # language -> all words of each concept, its own first
    contexts: Contexts | None = None  # for the embedding "context"


class Split(NamedTuple):
    """Concept ids of the seed dictionary and of the test set; disjoint."""

    seed: tuple[str, ...]
    test: tuple[str, ...]


class Batch(NamedTuple):
    """Rows of small forests: every slot is one distinct token of one or more texts.

    Slot k of a row is seen by the slots q of that row with `seen_from[k] <= q < seen_to[k]`. In a causal model slots
    stand in depth-first order of the prefix tree, so k is seen by itself and its descendants, `seen_from[k] = k`; in a
    bidirectional model by all slots of its text. An unused slot sees only itself. `pool` gives each pooled vector as a
    weighted sum of the slots of its row: one-hot for first and last token, 1/n over a text's path for the mean, zeros
    where a row has fewer vectors than others.

    Where consecutive rows are cut from one window of the tree, a row also sees slots of rows before it: its earlier
    slot e is the one `before[e]` slots before the row's first, seen by the row's slots q < `before_to[e]`; both are 0
    where it is not in use.
    """

    tokens: Int32[np.ndarray, "row slot"]
    positions: Int32[np.ndarray, "row slot"]  # position in the text, from 0
    seen_from: Int32[np.ndarray, "row slot"]
    seen_to: Int32[np.ndarray, "row slot"]
    pool: Float32[np.ndarray, "row vector slot"]
    before: Int32[np.ndarray, "row earlier"] | None = None  # None: no row sees another
    before_to: Int32[np.ndarray, "row earlier"] | None = None


class SpaceLabel(NamedTuple):
    """What made a space; the first four columns of every result row."""

    model: str
    embedding: str  # "vanilla", "prompt:NAME", "context:NAME" or "vec"
    pooling: str  # "first", "last", "mean", "rising_mean", "falling_mean", "concept", "decoder" or "none"
    layer: int


class Space(NamedTuple):
    """Vectors of all languages under one label, rows aligned by concept."""

    label: SpaceLabel
    ids: tuple[str, ...]
    vectors: dict[str, Float32[np.ndarray, "concept feature"]]
