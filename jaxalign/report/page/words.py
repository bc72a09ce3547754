"""Wrong retrievals as words, by language pair."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from jaxalign.report.results import Series

_LABEL = ("model", "embedding", "pooling", "layer")  # the columns that say which space a record is from


class Retrieval(NamedTuple):
    """A query whose right word was not retrieved first."""

    concept: str
    query: str
    retrieved: str
    right: str
    rank: int


class PairErrors(NamedTuple):
    """What went wrong in one ordered pair of languages, as `metrics.retrieval_errors.errors` collects it."""

    source: str
    target: str
    queries: int
    wrong: int
    sample: Sequence[Retrieval]
    worst: Sequence[Retrieval] = ()
    common: Sequence[Sequence] = ()  # (word, times)


def of_series(records: Sequence[Mapping], series: Series | None) -> list[PairErrors]:
    """The errors of one series by pair; of the first series of the records where none is named.

    Only records of that very space are taken, so that the words belong to the figures that they stand under.
    """
    if not records:
        return []
    wanted = label_of(records[0]) if series is None else tuple(getattr(series, name) for name in _LABEL)
    mine = [record for record in records if label_of(record) == wanted]
    if mine and "sample" not in mine[0]:
        return _of_single_retrievals(mine)
    return [
        PairErrors(
            record["source"],
            record["target"],
            record["queries"],
            record["wrong"],
            [Retrieval(*entry) for entry in record["sample"]],
            [Retrieval(*entry) for entry in record["worst"]],
            record["common"],
        )
        for record in mine
    ]


def label_of(record: Mapping) -> tuple:
    """The space that a record is from: model, embedding, pooling, layer."""
    return tuple(record.get(name) for name in _LABEL)


def _of_single_retrievals(records: Sequence[Mapping]) -> list[PairErrors]:
    """Records of runs up to version 0.1.0: one per retrieval, without totals."""
    by_pair: dict[tuple[str, str], list[Retrieval]] = {}
    for record in records:
        values = [record[name] for name in ("id", "query", "found", "right", "rank")]
        by_pair.setdefault((record["source"], record["target"]), []).append(Retrieval(*values))
    return [PairErrors(*pair, 0, 0, retrievals) for pair, retrievals in by_pair.items()]


def sentence(error: Retrieval) -> str:
    """A wrong retrieval in words: `chat -> dog (cat was rank 3)`, every word isolated from the writing direction.

    U+2068 and U+2069 isolate a word, so that Hebrew or Arabic words do not turn the order of the sentence round.
    """
    query, retrieved, right = (f"\u2068{word}\u2069" for word in (error.query, error.retrieved, error.right))
    return f"{query} -> {retrieved} ({right} was rank {error.rank})"
