"""The planted tasks that alignment engines are compared on: sizes, spaces, and what is asked of them."""

from typing import NamedTuple

import numpy as np

from benchmarks.peers import Task


class Size(NamedTuple):
    """Rows that fit the map, rows retrieved, features, languages; candidates are the test rows or, with others, all."""

    train: int
    test: int
    features: int
    languages: int = 7
    others: int = 0  # rows that are neither, but candidates
    settings: tuple[str, ...] = ("before", "after")
    both_directions: bool = True  # this engine always gives both


SIZES = {
    "quick": Size(200, 400, 64, 3),
    "small": Size(1000, 2000, 1024),
    "large": Size(5000, 10000, 1024),
    "wide": Size(1000, 2000, 4096),
    "vocabulary": Size(5000, 50000, 300, 2, 0, ("after",), False),
    "dictionary": Size(5000, 1500, 300, 2, 43500, ("after",), False),
}


def planted(size: Size) -> np.ndarray:
    """Spaces (language, concept, feature) float32; a language is rotated by reflections and a permutation."""
    generator = np.random.default_rng(7)
    concepts, features = size.train + size.test + size.others, size.features
    spectrum = (np.arange(1, features + 1) ** -0.4).astype(np.float32)
    meaning = generator.standard_normal((concepts, features), np.float32) * spectrum
    spaces = np.empty((size.languages, concepts, features), np.float32)
    for space in spaces:
        own = generator.standard_normal((concepts, features), np.float32) * spectrum
        rotated = (meaning + 0.7 * own + 0.5 * spectrum)[:, generator.permutation(features)]
        for _ in range(3):
            normal = generator.standard_normal(features).astype(np.float32)
            normal /= np.linalg.norm(normal)
            rotated -= 2 * np.outer(rotated @ normal, normal)
        space[:] = rotated
    return spaces


def task_of(spaces: np.ndarray, size: Size, languages: int) -> Task:
    """The pairs of the first languages."""
    named = {f"l{i}": spaces[i] for i in range(languages)}
    test = np.arange(size.train, size.train + size.test)
    vocabulary = np.arange(spaces.shape[1]) if size.others else test
    queries = test if size.others else np.arange(size.test)
    return Task(named, np.arange(size.train), vocabulary, queries, 10, size.settings, size.both_directions)
