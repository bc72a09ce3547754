"""Files of word pairs, one `source target` pair per line, as in MUSE and vecmap, and how many of them have vectors.

Fields are separated by white space; where a line has one tab, by the tab, so that words may hold spaces. A byte-order
mark, blank lines and lines that start with `#` are skipped.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from jaxalign.types import InputError


class Coverage(NamedTuple):
    """How much of a dictionary file the two vocabularies know."""

    pairs: int
    known_pairs: int  # both words have a vector
    source_words: int  # distinct
    known_source_words: int  # with at least one pair whose both words have a vector
    unknown_source: int  # distinct source words without a vector
    unknown_target: int  # distinct target words without a vector

    @property
    def share(self) -> float:
        """The fraction of source words that are scored or fitted on: the coverage of MUSE and vecmap."""
        return self.known_source_words / self.source_words


class DictionaryPairs(NamedTuple):
    """The pairs of a file whose words both have a vector, as rows of the two vocabularies."""

    source_rows: Int[np.ndarray, " pair"]
    target_rows: Int[np.ndarray, " pair"]
    coverage: Coverage


def read(path: str | Path, flag: str, lowercase: bool = False) -> list[tuple[str, str]]:
    """The word pairs of the file that `--flag` names, with `lowercase` in lower case.

    Raises InputError, with the number of the line, for a line of another form, another encoding or no pair at all.
    """
    try:
        text = Path(path).read_text("utf-8-sig")
    except (OSError, ValueError) as error:
        raise InputError(f"Expected a UTF-8 file of word pairs, got {path}: {error}. Change --{flag}.") from error
    pairs = []
    for number, line in enumerate(text.split("\n"), 1):
        line = line.lower() if lowercase else line
        parts = [" ".join(part.split()) for part in line.split("\t")]
        words = parts if len(parts) == 2 and all(parts) else line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) != 2:
            raise InputError(
                f"Expected two words per line, got {line.strip()[:80]!r} in line {number} of {path}. Correct the file "
                f"of --{flag}; a comment starts with #."
            )
        pairs.append((words[0], words[1]))
    if not pairs:
        raise InputError(f"Expected word pairs in {path}, got no line with two words. Change --{flag}.")
    return pairs


def identical(
    source_words: Sequence[str], target_words: Sequence[str], without: AbstractSet[str]
) -> list[tuple[str, str]]:
    """The words that both vocabularies write alike, but not those of `without`, the words that are asked for.

    Raises InputError where there is none.
    """
    known = set(target_words)
    pairs = [(word, word) for word in dict.fromkeys(source_words) if word in known and word not in without]
    if not pairs:
        raise InputError(
            "Expected words that both vocabularies write alike with --seed_dictionary=identical, got none besides "
            "those of --dictionary. Give a file of word pairs."
        )
    return pairs


def look_up(
    pairs: Sequence[tuple[str, str]], source_words: Sequence[str], target_words: Sequence[str], flag: str
) -> DictionaryPairs:
    """The rows of the pairs whose words are both known; raises InputError where none is."""
    source = {word: row for row, word in reversed(list(enumerate(source_words)))}
    target = {word: row for row, word in reversed(list(enumerate(target_words)))}
    rows = [(source[one], target[other]) for one, other in pairs if one in source and other in target]
    coverage = Coverage(
        pairs=len(pairs),
        known_pairs=len(rows),
        source_words=len({one for one, _ in pairs}),
        known_source_words=len({row for row, _ in rows}),
        unknown_source=len({one for one, _ in pairs} - source.keys()),
        unknown_target=len({other for _, other in pairs} - target.keys()),
    )
    if not rows:
        raise InputError(
            f"Expected pairs of words that have vectors in --{flag}, got none of {len(pairs)}: "
            f"{coverage.unknown_source} of {coverage.source_words} source words and {coverage.unknown_target} target "
            "words are unknown. Check the order of --languages, or whether the words are written as in --spaces "
            "(--lowercase looks them up in lower case)."
        )
    table = np.array(rows, np.int64)
    return DictionaryPairs(table[:, 0], table[:, 1], coverage)
