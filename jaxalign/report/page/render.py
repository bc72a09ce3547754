"""Sections -> one HTML file without any outside resource; Jinja2 escapes every word that comes from data."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import groupby
from typing import Any, NamedTuple

import jinja2
from markupsafe import Markup

from jaxalign.report.cells import Percent, PValue
from jaxalign.report.drawing.svg import Picture
from jaxalign.report.names import language_label
from jaxalign.report.page import explorer_data, exports, heat, library
from jaxalign.report.page.citation import citation
from jaxalign.report.page.exports import Export
from jaxalign.report.page.words import PairErrors
from jaxalign.report.sections import Section
from jaxalign.report.sections.headline import Tile
from jaxalign.report.tables import Table, numeric_columns, plain

_TALL = 24  # rows from which a table scrolls in a box of its own
_WIDE = 48  # characters from which a cell may break into lines


class Page(NamedTuple):
    """All that stands on the page."""

    title: str
    lead: str
    tiles: Sequence[Tile]
    sections: Sequence[Section]
    words: Sequence[PairErrors]
    words_note: str
    notes: Sequence[str]  # what a reader must know before any figure
    version: str
    explorer: Mapping | None = None  # what `explorer_data` gives
    exports: Sequence[Export] = ()


def render(page: Page) -> str:
    """The whole page: title, headline tiles, sections, wrong retrievals, how to cite."""
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            page=page,
            citation=citation(page.version),
            heat_css=Markup(heat.css()),
            explorer=_explorer(page.explorer),
            exports=exports.packed(page.exports) if page.exports else "",
        )
    )


def _explorer(data: Mapping | None) -> dict[str, str] | None:
    """The explorer's data and its library, both compressed."""
    return {"data": explorer_data.packed(data), "library": library.packed()} if data else None


def html_table(table: Table) -> str:
    """A table that sorts on a click on its header; numbers to the right, long ones scroll."""
    macros: Any = _environment().get_template("macros.html.j2").module
    return str(macros.table(table))


@cache
def _environment() -> jinja2.Environment:
    loader = jinja2.PackageLoader("jaxalign.report.page", "templates")
    made = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True,
                              undefined=jinja2.StrictUndefined)  # fmt: skip
    made.globals |= dict(
        file=_file,
        groups=_groups,
        columns=numeric_columns,
        cell=_cell,
        drawing=_drawing,
        wide=_is_wide,
        language=language_label,
        tall=_TALL,
        cell_class=_cell_class,
    )
    return made


def _file(name: str) -> Markup:
    """A file of this package as it is: styles and scripts, never data."""
    source, _, _ = _environment().loader.get_source(_environment(), name)  # type: ignore[union-attr]
    return Markup(source)


def _groups(pictures: Sequence[Picture]) -> list[tuple[str, list[Picture]]]:
    return [(name, list(some)) for name, some in groupby(pictures, lambda picture: picture.group)]


def _drawing(picture: Picture) -> Markup:
    """The figure's SVG with its words as the accessible name."""
    return Markup(picture.svg.replace("<svg", Markup('<svg role="img" aria-label="{}"').format(picture.alt), 1))


def _is_wide(picture: Picture) -> bool:
    """Whether a figure needs the whole width of the page: more than 9 inches of 72 points."""
    box = re.search(r'viewBox="0 0 (\S+)', picture.svg)
    return box is not None and float(box[1]) > 650


class _Cell(NamedTuple):
    text: str
    interval: str  # stands smaller behind the text
    sort_by: str | None  # what the column sorts by, where that is not the text
    wide: bool


def _cell(value: object, numeric: bool) -> _Cell:
    if value is None:
        return _Cell("", "", "" if numeric else None, False)
    if isinstance(value, Percent):
        return _Cell(value.text, value.interval, repr(float(value)), False)
    if isinstance(value, PValue):
        return _Cell(plain(value).replace("<=", "≤"), "", repr(float(value)), False)
    if isinstance(value, float):
        return _Cell(plain(value), "", repr(value), False)
    if isinstance(value, int):
        return _Cell(f"{value:,}", "", str(value), False)
    return _Cell(str(value), "", None, len(str(value)) > _WIDE)


def _cell_class(value: object, numeric: bool, wide: bool, coloured: bool) -> Markup:
    if coloured and isinstance(value, float):
        return Markup(f' class="n h{heat.step(value)}"')
    return Markup(" class=n" if numeric else " class=wrap" if wide else "")
