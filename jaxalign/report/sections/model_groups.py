"""Groups of models that cannot be told apart, by tests on the same concepts."""

from collections.abc import Sequence
from typing import NamedTuple

from jaxalign.report.results import DIFFERENCE, MEAN, Cell, Results, Series


class Test(NamedTuple):
    """The difference of two series: first less second, its interval, and the p-value where there is one."""

    row: dict
    p: float | None

    @property
    def verdict(self) -> str:
        """`more`, `less`, or `unknown` where the interval holds 0 or was not computed."""
        low, high = self.row.get("low"), self.row.get("high")
        if low is None or high is None or low == high:
            return "unknown"
        return "more" if low > 0 else "less" if high < 0 else "unknown"


def groups(results: Results, among: Sequence[Series]) -> dict[Series, int]:
    """The number of each series' group, 1 the best; series of one group cannot be told apart.

    As the run's rows of the metric `group` say; without them by the tests of two models each: going down from the best,
    a series that cannot be told from the first of the group joins it. A series that was not tested has no group, nor
    has any series where two models were never compared.
    """
    given = {series: row for series in among if (row := _given(results, series))}
    if given:
        return {series: int(row["value"]) for series, row in given.items()}
    tests = against_each_other(results)
    made: dict[Series, int] = {}
    for kind in dict.fromkeys(map(_kind, among)):
        ranked = [
            (row["value"], series)
            for series in among
            if _kind(series) == kind and (row := results.mean(series, "after") or results.mean(series, "before"))
        ]
        ranked.sort(key=lambda entry: -entry[0])
        head, number = None, 0
        for _, series in ranked:
            test: Test | None = None if head is None else tests.get((head.model, series.model, kind))
            if head is not None and test is None:
                continue
            if test is None or test.verdict != "unknown":
                head, number = series, number + 1
            made[series] = number
    compared = {model for first, second, _ in tests for model in (first, second)}
    return {series: number for series, number in made.items() if series.model in compared}


class RankOfModel(NamedTuple):
    """A model's place among all, with the interval that holds for all of them at once."""

    value: int
    low: int
    high: int

    def __str__(self) -> str:
        return str(self.value) if self.low == self.high else f"{self.value} ({self.low}-{self.high})"


def places(results: Results, among: Sequence[Series]) -> dict[Series, RankOfModel]:
    """The place of each series, as the run's rows of the metric `rank` say; empty without them."""
    made = {}
    for series in among:
        rows = results.pairs(series, "after", metric="rank") or results.pairs(series, "before", metric="rank")
        if row := rows.get((MEAN, MEAN)):
            made[series] = RankOfModel(int(row["value"]), int(row["low"]), int(row["high"]))
    return made


def _given(results: Results, series: Series) -> dict | None:
    rows = results.pairs(series, "after", metric="group") or results.pairs(series, "before", metric="group")
    return rows.get((MEAN, MEAN))


def against_each_other(results: Results) -> dict[tuple[str, str, Series], Test]:
    """(model, model, kind) -> the test of their difference after alignment (before it, where nothing was fitted).

    Both orders of the two models are there, with the same verdict read from either side.
    """
    found: dict[tuple[str, str, Series], Test] = {}
    for setting in ("after - after", "before - before"):
        for cell, rows in results.cells.items():
            models = cell.series.model.split(DIFFERENCE)
            row = rows.get((MEAN, MEAN))
            if cell.setting != setting or cell.metric != "P@1" or row is None or len(models) != 2:
                continue
            p = results.cells.get(_p_cell(cell), {}).get((MEAN, MEAN))
            test = Test(row, p["value"] if p else None)
            for first, second in (models, models[::-1]):
                found.setdefault((first, second, _kind(cell.series)), test)
    return found


def _p_cell(cell: Cell) -> Cell:
    return cell._replace(metric="P@1_p")


def _kind(series: Series) -> Series:
    """What two models share where they are compared."""
    return series._replace(model="", pooling="", layer=0)
