"""Wrong retrievals as words, by language pair."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from jaxalign.report.results import Series

_LABEL = ("model", "embedding", "pooling", "layer")  # the columns that say which space a wrong retrieval is from
Wrong = Mapping  # query, found, right, rank, source, target, and the columns of `_LABEL`


class PairWords(NamedTuple):
    """The wrong retrievals of one ordered pair of languages."""

    source: str
    target: str
    retrievals: Sequence[Wrong]


def of_series(wrong: Sequence[Wrong], series: Series | None) -> list[PairWords]:
    """The wrong retrievals of one series by pair, in their order; of the first series where none is named.

    Only retrievals of that very space are given, so that the words belong to the figures they stand under.
    """
    if not wrong:
        return []
    wanted = [getattr(series, name) for name in _LABEL] if series else [wrong[0].get(name) for name in _LABEL]
    by_pair: dict[tuple[str, str], list[Wrong]] = {}
    for retrieval in wrong:
        if [retrieval.get(name) for name in _LABEL] == wanted:
            by_pair.setdefault((retrieval["source"], retrieval["target"]), []).append(retrieval)
    return [PairWords(*pair, retrievals) for pair, retrievals in by_pair.items()]


def sentence(wrong: Wrong) -> str:
    """A wrong retrieval in words: `chat -> dog (cat was rank 3)`, every word isolated from the writing direction.

    U+2068 and U+2069 isolate a word, so that Hebrew or Arabic words do not turn the order of the sentence round.
    """
    query, retrieved, right = (f"\u2068{wrong[name]}\u2069" for name in ("query", "found", "right"))
    return f"{query} -> {retrieved} ({right} was rank {wrong['rank']})"
