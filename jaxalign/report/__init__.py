"""Rows -> tables on the screen, results.jsonl, report.md, figures and one self-contained report.html."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

import jaxalign
from jaxalign.report import page, tables
from jaxalign.report.tables import Results, Table
from jaxalign.types import Concepts, InputError, Split

EXTRAS = "report.json"  # what the page shows beside the rows, kept so that it can be made again


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
    the target's, by "fr-en" (counted here when not given); `parameters` the size of each model.
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
    write_rows(folder / "results.jsonl", rows)
    _put(folder / EXTRAS, json.dumps(extras, ensure_ascii=False, indent=1, default=str) + "\n")
    return render(folder, rows, extras)


def render(folder: Path, rows: Sequence[dict], extras: Mapping) -> Path:
    """Writes the figures, report.md and report.html of rows and extras that are on disk already."""
    from jaxalign.report import about, figures, sections

    results = Results(rows)
    found = sections.results_sections(results)
    body = [about.headline(results, extras), *found, *about.sections(extras)]
    (folder / "figures").mkdir(exist_ok=True)
    for section in body:
        for picture in section.pictures:
            _put(folder / "figures" / f"{picture.name}.svg", figures.file_text(picture))
    title, lead = about.title(results), about.lead(results, extras)
    _put(folder / "report.md", about.markdown(title, lead, body, extras.get("wrong", [])))
    words = list(extras.get("wrong", []))
    text = page.render(title, lead, about.tiles(results), body, words, jaxalign.__version__)
    _put(folder / "report.html", text)
    return folder / "report.html"


def write_rows(path: str | Path, rows: Sequence[dict]) -> None:
    """Writes one JSON object a line, the whole file or nothing."""
    _put(Path(path), "".join(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows))


def read_rows(path: str | Path) -> list[dict]:
    """The rows of a results.jsonl; InputError where it is missing or not whole."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"Expected a finished run's results.jsonl, got none at {path}. Give the run's folder.")
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except json.JSONDecodeError as error:
        raise InputError(f"Expected one JSON object a line in {path}, got {error}. Repeat the run.") from error


def _put(path: Path, text: str) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)


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


def join(folders: Sequence[Path]) -> tuple[list[dict], dict]:
    """Rows and extras of several runs; rows that two runs share count once, extras are the first run's."""
    rows: dict[tuple, dict] = {}
    extras: list[dict] = []
    for folder in folders:
        for row in read_rows(Path(folder) / "results.jsonl"):
            rows.setdefault(
                tuple(value for name, value in row.items() if name not in ("value", "count", "low", "high")), row
            )
        path = Path(folder) / EXTRAS
        extras.append(json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {})
    joined = dict(extras[0])
    if len(folders) > 1:
        joined["wrong"] = [word for one in extras for word in one.get("wrong", [])]
        joined["parameters"] = {name: size for one in extras for name, size in one.get("parameters", {}).items()}
        joined["settings"] = {Path(f).name: one.get("settings", {}) for f, one in zip(folders, extras, strict=True)}
        joined["timing"] = []
    return list(rows.values()), joined
