"""Rows -> tables on the screen, results.jsonl, report.md, figures and one self-contained report.html."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

import jaxalign
from jaxalign.report import files, page, tables
from jaxalign.report.data_frame import read_results
from jaxalign.report.files import read_rows, write_rows
from jaxalign.report.joined import join, model_rows
from jaxalign.report.tables import Results, Table
from jaxalign.types import Concepts, Split

__all__ = [
    "identical_share",
    "join",
    "model_rows",
    "read_results",
    "read_rows",
    "render",
    "show",
    "write",
    "write_rows",
]


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
    identical: Mapping[str, float] | None = None,
    parameters: Mapping[str, int] | None = None,
) -> Path:
    """Writes results.jsonl, report.json, report.md, figures/ and last report.html; returns the page's path.

    `wrong` as from `score.wrong`; `timing` rows of phase and seconds; `identical` the share of concepts whose form is
    the target's, by "fr-en" (counted here when not given); `parameters` the size of each model. Where the folder holds
    ranks.npz and split.json, rows of the differences between several models are added.
    """
    kinds = {kind: concepts.kinds.count(kind) for kind in sorted(set(concepts.kinds))}
    extras = dict(
        concepts=dict(total=len(concepts.ids), kinds=kinds, seed=len(split.seed), test=len(split.test)),
        filters=[list(step) for step in concepts.filters],
        identical=dict(identical) if identical is not None else identical_share(concepts),
        wrong=list(wrong),
        environment=dict(environment or {}),
        settings={name: value for name, value in (settings or {}).items()},
        timing=[dict(row) for row in timing],
        parameters=dict(parameters or {}),
    )
    folder = Path(run_dir)
    folder.mkdir(parents=True, exist_ok=True)
    if len({row["model"] for row in rows if row["model"]}) > 1:
        rows = [*rows, *model_rows([folder], rows)]
    write_rows(folder / "results.jsonl", rows)
    files.write_extras(folder, extras)
    return render(folder, rows, extras)


def render(folder: Path, rows: Sequence[dict], extras: Mapping) -> Path:
    """Writes the figures, report.md and report.html of rows and extras that are on disk already."""
    from jaxalign.report import figures, run_info, sections

    results = Results(rows)
    results.parameters |= extras.get("parameters") or {}
    found = sections.results_sections(results)
    body = [run_info.headline(results, extras), *found, *run_info.sections(extras)]
    (folder / "figures").mkdir(exist_ok=True)
    for section in body:
        for picture in section.pictures:
            files.put(folder / "figures" / f"{picture.name}.svg", figures.file_text(picture))
    title, lead = run_info.title(results), run_info.lead(results, extras)
    files.put(folder / "report.md", run_info.markdown(title, lead, body, extras.get("wrong", [])))
    words = list(extras.get("wrong", []))
    text = page.render(title, lead, run_info.tiles(results), body, words, jaxalign.__version__)
    files.put(folder / "report.html", text)
    return folder / "report.html"


def show(rows: Sequence[dict], stream: TextIO | None = None) -> None:
    """Prints the compact tables: every series' means, and P@1 after of all pairs of each."""
    stream = stream or sys.stdout
    results = Results(rows)
    among = tables.last_layers(results)
    if not among:
        return
    print(tables.text(tables.headline(results, among)), file=stream)
    for one in among[:8]:
        setting = "after" if results.pairs(one, "after") else results.settings(one)[0]
        title = f"\n{tables.name_of(one, among)}: P@1 {setting}, percent, row's language to column's"
        shown: Table = tables.matrix(results, one, setting)._replace(title=title)
        print(tables.text(shown), file=stream)
    if len(among) > 8:
        print(f"\nand {len(among) - 8} more series in report.html", file=stream)
    stream.flush()


def identical_share(concepts: Concepts) -> dict[str, float]:
    """The share of concepts whose two words are the same but for case, by "fr-en", for every unordered pair."""
    codes = list(concepts.words)
    folded = {code: [word.casefold() for word in concepts.words[code]] for code in codes}
    total = max(len(concepts.ids), 1)
    return {
        f"{source}-{target}": sum(map(str.__eq__, folded[source], folded[target])) / total
        for i, target in enumerate(codes)
        for source in codes[i + 1 :]
    }
