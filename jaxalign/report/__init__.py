"""Rows -> tables on the screen, results.jsonl, report.md, figures and one self-contained report.html."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from jaxalign.report import concept_map, facts, files, model_differences, tables
from jaxalign.report.data_frame import read_results
from jaxalign.report.files import read_rows, write_results, write_rows
from jaxalign.report.joined import join
from jaxalign.report.page.words import label_of
from jaxalign.report.results import Results, last_layers, name_of
from jaxalign.report.sections.controls.answers import rare_records
from jaxalign.runtime.files import write_text
from jaxalign.types import Concepts, Split

__all__ = ["join", "read_results", "read_rows", "render", "show", "write", "write_results", "write_rows"]

_SHOWN = 8  # series whose pairs are printed on the screen


def write(
    run_dir: str | Path,
    rows: Sequence[dict],
    *,
    concepts: Concepts,
    split: Split,
    wrong: Sequence[dict] = (),
    environment: Mapping | None = None,
    settings: Mapping | None = None,
    timing: Sequence[Mapping] = (),
) -> Path:
    """Writes the files of the results, report.json, report.md, figures/ and last report.html; returns the page's path.

    `wrong` as from `metrics.retrieval_errors.errors`, kept of the deepest layer of each space; `timing` rows of phase
    and seconds. Where several models were run and the folder holds ranks.npz, rows of the differences between the
    models are added.
    """
    deepest = {tuple(series[:4]) for series in last_layers(Results(rows))}
    kinds = {kind: concepts.kinds.count(kind) for kind in sorted(set(concepts.kinds))}
    extras: dict[str, Any] = dict(
        concepts=dict(total=len(concepts.ids), kinds=kinds, seed=len(split.seed), test=len(split.test))
        | facts.concept_facts(concepts),
        filters=[list(step) for step in concepts.filters],
        wrong=[record for record in wrong if label_of(record) in deepest],
        words=dict(ids=split.test, kinds=_test_kinds(concepts, split), by_language=_test_words(concepts, split)),
        rare_senses=rare_records(concepts, split.test) if (settings or {}).get("answers") == "all" else [],
        environment=dict(environment or {}),
        settings=dict(settings or {}),
        timing=[dict(row) for row in timing],
    )
    folder = Path(run_dir)
    folder.mkdir(parents=True, exist_ok=True)
    if len({row["model"] for row in rows if row["model"]}) > 1:
        run = facts.Run("", folder, list(rows), extras, split._asdict() | {"test": list(split.test)}, {})
        rows = [*rows, *model_differences.rows([run], [{}], rows)]
    write_results(folder, rows)
    extras["made"] = int(files.results_file(folder).stat().st_mtime)  # the date that `jaxalign.export` gives as well
    files.write_extras(folder, extras)
    return render(folder, rows, extras)


def _test_kinds(concepts: Concepts, split: Split) -> list[str]:
    """The kinds of the test concepts, in the order of the split."""
    kind_of = dict(zip(concepts.ids, concepts.kinds, strict=True))
    return [kind_of[name] for name in split.test]


def _test_words(concepts: Concepts, split: Split) -> dict[str, list[str]]:
    """The words of the test concepts by language, in the order of the split."""
    row_of = {name: row for row, name in enumerate(concepts.ids)}
    return {code: [words[row_of[name]] for name in split.test] for code, words in concepts.words.items()}


def render(folder: Path, rows: Sequence[dict], extras: Mapping) -> Path:
    """Writes the figures, report.md and report.html of rows and extras that are on disk already."""
    from jaxalign.report.drawing import svg
    from jaxalign.report.page import markdown, render
    from jaxalign.report.page.build import build

    page = build(Results(rows), {**extras, "maps": extras.get("maps") or concept_map.read(folder)})
    (folder / "figures").mkdir(exist_ok=True)
    for section in page.sections:
        for picture in (*section.pictures, *section.files):
            write_text(folder / "figures" / f"{picture.name}.svg", svg.file_text(picture))
    write_text(folder / "report.md", markdown.markdown(page))
    write_text(folder / "report.html", render.render(page))
    return folder / "report.html"


def show(rows: Sequence[dict], stream: TextIO | None = None) -> None:
    """Prints the compact tables: every series' means, and P@1 after of all pairs of each."""
    stream = stream or sys.stdout
    results = Results(rows)
    among = last_layers(results)
    if not among:
        return
    print(tables.text(tables.headline(results, among)), file=stream)
    for series in among[:_SHOWN]:
        setting = "after" if results.pairs(series, "after") else results.settings(series)[0]
        title = f"\n{name_of(series, among)}: P@1 {setting}, percent, row's language to column's"
        shown = tables.matrix(results, series, setting)._replace(title=title)
        print(tables.text(shown), file=stream)
    if len(among) > _SHOWN:
        print(f"\nand {len(among) - _SHOWN} more series in report.html", file=stream)
    stream.flush()
