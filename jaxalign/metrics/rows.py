"""The result row: one flat record per figure, with the same columns for every kind of figure."""

from typing import NamedTuple, TypedDict, cast

MEAN = "mean"  # in place of a language code: the mean over its pairs


class ResultRow(TypedDict):
    """One figure and all that it depends on; `value`, `low` and `high` are fractions for P@k and MRR."""

    model: str
    embedding: str
    pooling: str
    layer: int
    source: str
    target: str
    setting: str
    seed_size: int
    retrieval: str
    csls_k: int
    candidates: str
    completion: str
    subset: str
    metric: str
    value: float
    count: int
    low: float
    high: float


COLUMNS = tuple(ResultRow.__annotations__)


class Place(NamedTuple):
    """What a figure belongs to: the columns of a row but its numbers, in their order."""

    model: str = ""  # empty where no model is asked
    embedding: str = "none"
    pooling: str = "none"
    layer: int = 0
    source: str = MEAN
    target: str = MEAN
    setting: str = ""
    seed_size: int = 0
    retrieval: str = "none"
    csls_k: int = 0
    candidates: str = "none"
    completion: str = "none"
    subset: str = "all"
    metric: str = ""


def result_row(
    place: Place, value: float, count: int, low: float | None = None, high: float | None = None
) -> ResultRow:
    """The row of one figure; without an interval `low` and `high` are the value."""
    figures = (value, count, value if low is None else low, value if high is None else high)
    return cast(ResultRow, dict(zip(COLUMNS, (*place, *figures), strict=True)))


def figure(number: float) -> float:
    """A number as a row holds it: six significant digits, far below any interval."""
    return float(f"{number:.6g}")
