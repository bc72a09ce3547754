"""CSV of every row, and the headline table for a paper: LaTeX (booktabs) or Markdown, best in bold, with intervals."""

import csv
import io
from collections.abc import Callable, Sequence

from jaxalign.metrics.rows import COLUMNS
from jaxalign.report.names import setting_name
from jaxalign.report.results import SETTINGS, Results, last_layers, name_of

_COMPARED = ("before", "after", "gpa")  # settings in which a higher value is better; the others are references


def as_csv(rows: Sequence[dict]) -> str:
    """Every row, with a header line; as RFC 4180 but with line feeds."""
    names = [*COLUMNS, *(["run"] if any("run" in row for row in rows) else [])]
    file = io.StringIO()
    writer = csv.DictWriter(file, names, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def as_latex(rows: Sequence[dict]) -> str:
    """A booktabs table: P@1 in percent of every series' last layer, mean over all pairs, with 95 % intervals."""
    settings, lines = _grid(rows, _latex_cell)
    header = " & ".join(["Series", *(_latex(setting_name(setting)) for setting in settings)])
    body = "\n".join(" & ".join([_latex(name), *cells]) + r" \\" for name, *cells in lines)
    return (
        "% Needs \\usepackage{booktabs}. P@1 in percent, mean over all ordered language pairs, 95 % intervals.\n"
        f"\\begin{{tabular}}{{l{'r' * len(settings)}}}\n\\toprule\n{header} \\\\\n\\midrule\n{body}\n\\bottomrule\n"
        "\\end{tabular}\n"
    )


def as_markdown(rows: Sequence[dict]) -> str:
    """The same table in Markdown."""
    settings, lines = _grid(rows, _markdown_cell)
    table = [["P@1, percent", *map(setting_name, settings)], ["---", *["---:"] * len(settings)], *lines]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in table)


def _grid(rows: Sequence[dict], form: Callable[[dict, bool], str]) -> tuple[list[str], list[list[str]]]:
    results = Results(rows)
    among = last_layers(results)
    settings = [name for name in SETTINGS if any(results.pairs(series, name) for series in among)]
    means = {series: {name: results.mean(series, name) for name in settings} for series in among}
    best = {
        name: max((round(row["value"], 6) for each in means.values() if (row := each[name])), default=None)
        for name in settings
        if name in _COMPARED and len(among) > 1
    }
    lines = []
    for series, each in means.items():
        cells = [
            "" if row is None else form(row, best.get(name) is not None and round(row["value"], 6) == best[name])
            for name, row in each.items()
        ]
        lines.append([name_of(series, among), *cells])
    return settings, lines


def _latex_cell(row: dict, best: bool) -> str:
    value = f"{100 * row['value']:.1f}"
    value = rf"\textbf{{{value}}}" if best else value
    if row.get("low") is None or row["low"] == row["high"]:
        return value
    return rf"{value} {{\scriptsize [{100 * row['low']:.1f}, {100 * row['high']:.1f}]}}"


def _markdown_cell(row: dict, best: bool) -> str:
    value = f"**{100 * row['value']:.1f}**" if best else f"{100 * row['value']:.1f}"
    if row.get("low") is None or row["low"] == row["high"]:
        return value
    return f"{value} [{100 * row['low']:.1f}, {100 * row['high']:.1f}]"


_SPECIAL = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "·": r"$\cdot$"}
_SPECIAL |= {letter: f"\\{letter}" for letter in "&%$#_{}"}


def _latex(text: str) -> str:
    return "".join(_SPECIAL.get(letter, letter) for letter in text)
