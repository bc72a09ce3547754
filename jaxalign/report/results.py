"""The result rows of a run, found again by series, setting, seed size, subset and metric."""

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import NamedTuple

SETTINGS = (
    "before", "after", "shrunken", "identical", "refined", "gpa", "ceiling", "null", "shrunken_null", "identical_null",
    "refined_null", "ceiling_null", "chance",
)  # fmt: skip
MEAN = "mean"  # in place of a language: the mean over its pairs
DIFFERENCE = " - "  # joins the names of what a row compares


class Series(NamedTuple):
    """What a curve or matrix belongs to: all columns of a row that do not say which figure it is."""

    model: str
    embedding: str
    pooling: str
    layer: int
    retrieval: str
    csls_k: int
    candidates: str
    completion: str


class Cell(NamedTuple):
    """What the figures of one matrix of language pairs have in common."""

    series: Series
    setting: str
    seed_size: int
    subset: str
    metric: str


_cell_of = itemgetter(*Series._fields, *Cell._fields[1:])


class Results:
    """Rows by cell: `cells[Cell(series, setting, seed_size, subset, metric)][source, target]` is a row."""

    def __init__(self, rows: Iterable[dict]):
        self.rows = list(rows)
        self.cells: dict[Cell, dict[tuple[str, str], dict]] = {}
        self.parameters: dict[str, int] = {}  # of each model, where they were counted
        self._settings: dict[Series, dict[str, dict[int, None]]] = {}
        self._subsets: dict[Series, dict[str, None]] = {}
        self._whole: set[tuple[Series, str]] = set()  # what was scored on all concepts and pairs
        matrices: dict[tuple, dict[tuple[str, str], dict]] = {}  # of `cells`, by the columns: one lookup for each row
        pairs: dict[tuple[str, str], None] = {}
        for row in self.rows:
            columns, pair = _cell_of(row), (row["source"], row["target"])
            matrix = matrices.get(columns)
            if matrix is None:
                matrix = matrices[columns] = self._new_matrix(columns)
            matrix[pair] = row
            pairs[pair] = None
        for cell, matrix in self.cells.items():
            if cell.metric == "parameters":
                self.parameters |= {row["model"]: int(row["value"]) for row in matrix.values()}
        codes = dict.fromkeys(code for pair in pairs for code in pair)
        self.languages = [code for code in codes if code != MEAN]
        self.hub = "en" if "en" in codes else (self.languages or [""])[0]

    def _new_matrix(self, columns: tuple) -> dict[tuple[str, str], dict]:
        width = len(Series._fields)
        cell = Cell(Series._make(columns[:width]), *columns[width:])
        self._settings.setdefault(cell.series, {}).setdefault(cell.setting, {})[cell.seed_size] = None
        self._subsets.setdefault(cell.series, {})[cell.subset] = None
        if cell.subset == "all":
            self._whole.add((cell.series, cell.setting))
        return self.cells.setdefault(cell, {})

    def series(self) -> list[Series]:
        """Every series that has a retrieval score, in the order of the rows."""
        return [series for series, settings in self._settings.items() if not settings.keys().isdisjoint(SETTINGS)]

    def settings(self, series: Series) -> list[str]:
        """The settings of a series over all pairs, the known ones first and in their usual order."""
        there = [name for name in self._settings.get(series, {}) if (series, name) in self._whole]
        return [name for name in SETTINGS if name in there] + [name for name in there if name not in SETTINGS]

    def sizes(self, series: Series, setting: str) -> list[int]:
        """Seed sizes of a setting, rising."""
        return sorted(self._settings.get(series, {}).get(setting, []))

    def pairs(
        self, series: Series, setting: str, subset: str = "all", metric: str = "P@1", seed_size: int | None = None
    ) -> dict[tuple[str, str], dict]:
        """(source, target) -> row; the largest seed dictionary unless `seed_size` says otherwise."""
        sizes = [seed_size] if seed_size is not None else list(reversed(self.sizes(series, setting)))
        matrices = (self.cells.get(Cell(series, setting, size, subset, metric)) for size in sizes)
        return next((matrix for matrix in matrices if matrix), {})

    def mean(
        self, series: Series, setting: str, subset: str = "all", metric: str = "P@1", seed_size: int | None = None
    ) -> dict | None:
        """The row of the mean over all pairs; computed without interval where the rows hold pairs only."""
        pairs = self.pairs(series, setting, subset, metric, seed_size)
        if (MEAN, MEAN) in pairs or not pairs:
            return pairs.get((MEAN, MEAN))
        singles = [row for pair, row in pairs.items() if MEAN not in pair]
        value = sum(row["value"] for row in singles) / len(singles)
        return dict(singles[0], source=MEAN, target=MEAN, value=value, low=None, high=None)

    def subsets(self, series: Series) -> list[str]:
        """Names of the subsets a series was scored on."""
        return [subset for subset in self._subsets.get(series, ()) if DIFFERENCE not in subset]

    def metrics(self) -> list[str]:
        """P@k and MRR of the retrieval rows, in their order."""
        names = dict.fromkeys(cell.metric for cell in self.cells if cell.setting in SETTINGS)
        return [metric for metric in names if metric == "MRR" or metric.removeprefix("P@").isdigit()]


def last_layers(results: Results) -> list[Series]:
    """The deepest layer of every series; CSLS first where several retrievals were run."""
    deepest: dict[Series, Series] = {}
    for series in results.series():
        key = series._replace(layer=0)
        if key not in deepest or series.layer > deepest[key].layer:
            deepest[key] = series
    return sorted(deepest.values(), key=lambda series: series.retrieval != "csls")


def name_of(series: Series, among: Sequence[Series]) -> str:
    """A short name: the embedding, and the model and those other columns in which `among` differ."""
    differing = {name for name in Series._fields if len({getattr(other, name) for other in among}) > 1}
    parts = [short_model(series.model)] if "model" in differing else []
    parts.append(series.embedding)
    for column, label in (("pooling", "{}"), ("layer", "layer {}"), ("retrieval", "{}"), ("csls_k", "k {}")):
        if column in differing:
            parts.append(label.format(getattr(series, column)))
    parts += [getattr(series, column) for column in ("candidates", "completion") if column in differing]
    return " · ".join(parts)


def short_model(name: str) -> str:
    """The last part of a hub id or path."""
    return name.rstrip("/").rsplit("/", 1)[-1] or name


def percent(fraction: float) -> float:
    """A fraction in percent, to two decimals."""
    return round(100 * fraction, 2)
