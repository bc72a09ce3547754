"""Tables of a run's results, and their text for the terminal and for Markdown."""

from collections.abc import Sequence
from typing import NamedTuple

from jaxalign.report.cells import Percent, PValue, measured_or_none, with_common_digits
from jaxalign.report.results import SETTINGS, Results, Series, name_of


class Table(NamedTuple):
    """A titled table; numbers stay numbers so that the page can sort them."""

    title: str
    header: Sequence[str]
    body: Sequence[Sequence[object]]
    note: str = ""
    heat: bool = False  # numbers are percentages whose cells are coloured


def headline(results: Results, among: Sequence[Series]) -> Table:
    """Mean P@1 over all ordered pairs in every setting with its interval, percent; one row per series."""
    shown = [name for name in SETTINGS if any(results.pairs(series, name) for series in among)]
    body = [[name_of(series, among), *_means(results, series, shown)] for series in among]
    note = "Mean over all ordered pairs. null and ceiling_null: the same with a shuffled dictionary."
    return Table("P@1 in percent", ["series", *shown], body, note)


def precisions(results: Results, series: Series) -> Table:
    """Every metric in every setting, mean over all pairs, percent."""
    shown = [name for name in results.settings(series) if name in SETTINGS]
    body = [[metric, *_means(results, series, shown, metric)] for metric in results.metrics()]
    return Table("Every k, mean over all pairs, percent", ["metric", *shown], body)


def _means(results: Results, series: Series, settings: Sequence[str], metric: str = "P@1") -> list[Percent | None]:
    return [measured_or_none(results.mean(series, setting, metric=metric), with_interval=True) for setting in settings]


def matrix(results: Results, series: Series, setting: str, subset: str = "all", metric: str = "P@1") -> Table:
    """A metric of every ordered pair, percent: source down, target across."""
    pairs, codes = results.pairs(series, setting, subset, metric), results.languages
    cells = [[measured_or_none(pairs.get((source, target))) for target in codes] for source in codes]
    with_common_digits(cell for line in cells for cell in line)
    body = [[source, *line] for source, line in zip(codes, cells, strict=True)]
    title = f"{metric} {setting}, percent: from the row's language to the column's"
    return Table(title, ["", *codes], body, heat=True)


def text(table: Table) -> str:
    """The table for a terminal: columns aligned, numbers to the right."""
    lines = [list(map(plain, row)) for row in [table.header, *table.body]]
    widths = [max(len(line[column]) for line in lines) for column in range(len(table.header))]
    right = numeric_columns(table)
    shown = [
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(line, widths, right, strict=True)
        )
        for line in lines
    ]
    return "\n".join([table.title, *(line.rstrip() for line in shown)])


def markdown(table: Table) -> str:
    """The table in GitHub's Markdown, pipes in cells escaped."""
    rows = [table.header, *table.body]
    lines = [[plain(cell).replace("|", "\\|").replace("<", "&lt;") for cell in row] for row in rows]
    lines.insert(1, ["---:" if number else "---" for number in numeric_columns(table)])
    note = [f"\n{table.note}"] if table.note else []
    return "\n".join([f"### {table.title}\n", *("| " + " | ".join(line) + " |" for line in lines), *note]) + "\n"


def numeric_columns(table: Table) -> list[bool]:
    """Whether each column holds numbers, which stand to the right."""
    columns = range(len(table.header))
    return [any(isinstance(row[column], (int, float)) for row in table.body) for column in columns]


def plain(cell: object) -> str:
    """A cell as text: percentages as their interval supports, other numbers with two decimals or two digits."""
    if cell is None:
        return ""
    if isinstance(cell, PValue):
        return cell.text
    if isinstance(cell, Percent):
        return f"{cell.text} {cell.interval}".rstrip()
    if isinstance(cell, float):
        return f"{cell:.2f}" if abs(cell) >= 0.01 or cell == 0 else f"{cell:.2g}"
    return " ".join(str(cell).split())
