"""Sections -> one HTML file without any outside resource; every word from data is escaped."""

from html import escape
from importlib import resources
from itertools import groupby

from jaxalign.report.figures import Picture
from jaxalign.report.sections import Section
from jaxalign.report.tables import Table

CITE = """@inproceedings{peng-sogaard-2024-concept,
  title     = {Concept Space Alignment in Multilingual {LLM}s},
  author    = {Peng, Qiwei and S{\\o}gaard, Anders},
  booktitle = {Proceedings of the 2024 Conference on Empirical Methods in Natural Language Processing},
  year      = {2024},
  note      = {arXiv:2410.01079}
}
@software{jaxalign,
  title   = {jaxalign: cross-lingual concept-space alignment of multilingual language models in {JAX}},
  version = {VERSION},
  year    = {2026}
}"""


def render(
    title: str, lead: str, tiles: list[tuple[str, str]], body: list[Section], wrong: list[dict], version: str
) -> str:
    """The whole page: title, headline tiles, sections, wrong retrievals, how to cite."""
    parts = [_section(section) for section in body]
    place = next((i for i, section in enumerate(body) if section.key == "concepts"), len(parts))
    links = [(section.key, section.title) for section in body]
    if wrong:
        parts.insert(place, _words(wrong))
        links.insert(place, ("words", "Words that went wrong"))
    links.append(("cite", "How to cite"))
    menu = "".join(f'<a href="#{key}">{escape(name)}</a>' for key, name in links)
    cards = "".join(_tile(label, value) for label, value in tiles)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="data:,">'
        f"<title>{escape(title)}</title><style>{_file('page.css')}</style></head><body>\n"
        f"<header><h1>{escape(title)}</h1><p class=soft>{escape(lead)}</p>"
        f"<nav aria-label=Sections>{menu}</nav></header>\n"
        f'<main><div class="tiles">{cards}</div>\n{"".join(parts)}'
        f"<section id=cite><h2>How to cite</h2><pre>{escape(CITE.replace('VERSION', version))}</pre></section></main>\n"
        f"<footer>Made by jaxalign {escape(version)}. Every figure is a row of results.jsonl.</footer>"
        f"<script>{_file('page.js')}</script></body></html>\n"
    )


def _tile(label: str, value: str) -> str:
    main = " main" if label.startswith("after") else ""
    return f'<div class="tile{main}"><b>{escape(value)}</b><span>{escape(label)}</span></div>'


def _file(name: str) -> str:
    return resources.files("jaxalign.report").joinpath(name).read_text(encoding="utf-8")


def _section(section: Section) -> str:
    text = f"<p>{escape(section.text)}</p>" if section.text else ""
    drawn = "".join(_group(name, list(some)) for name, some in groupby(section.pictures, lambda one: one.group))
    shown = "".join(map(html_table, section.tables))
    folded = "".join(html_table(table) for table in section.folded)
    if folded:
        count = len(section.folded)
        folded = f"<details><summary>{'The table' if count == 1 else f'The {count} tables'}</summary>{folded}</details>"
    return f"<section id={section.key}><h2>{escape(section.title)}</h2>{text}{drawn}{shown}{folded}</section>\n"


def _group(name: str, pictures: list[Picture]) -> str:
    head, small = (f"<h3>{escape(name)}</h3>", " small") if name else ("", "")
    return f'{head}<div class="figures{small}">{"".join(map(_figure, pictures))}</div>'


def _figure(picture: Picture) -> str:
    svg = picture.svg.replace("<svg", f'<svg role="img" aria-label="{escape(picture.alt)}"', 1)
    return f"<figure>{svg}<figcaption>{escape(picture.caption)}</figcaption></figure>"


def html_table(table: Table) -> str:
    """A table that sorts on a click on its header; numbers to the right, long ones scroll."""
    numeric = [any(isinstance(row[i], (int, float)) for row in table.body) for i in range(len(table.header))]
    head = "".join(
        f"<th scope=col{' class=n' if n else ''}><button type=button>{escape(str(name)) or '&nbsp;'}</button></th>"
        for name, n in zip(table.header, numeric, strict=True)
    )
    body = "".join("<tr>" + "".join(map(_td, row, numeric)) + "</tr>" for row in table.body)
    tall = " tall" if len(table.body) > 24 else ""
    note = f"<p class=note>{escape(table.note)}</p>" if table.note else ""
    return (
        f"<h3>{escape(table.title)}</h3>"
        f'<div class="scroll{tall}" tabindex=0 role=region aria-label="{escape(table.title)}">'
        f'<table class="sort"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{note}'
    )


def _td(cell: object, numeric: bool) -> str:
    if cell is None:
        return '<td class=n data-v=""></td>' if numeric else "<td></td>"
    if isinstance(cell, float):
        shown = f"{cell:.2f}" if abs(cell) >= 0.01 or cell == 0 else f"{cell:.4f}"
        return f'<td class=n data-v="{cell!r}">{shown}</td>'
    if isinstance(cell, int):
        return f'<td class=n data-v="{cell}">{cell:,}</td>'
    return f"<td{' class=wrap' if len(str(cell)) > 48 else ''}>{escape(str(cell))}</td>"


def sentence(wrong: dict) -> str:
    """A wrong retrieval in words: `chat -> dog (cat was rank 3)`."""
    return f"{wrong['query']} -> {wrong['found']} ({wrong['right']} was rank {wrong['rank']})"


def _words(wrong: list[dict], each: int = 4, open_pairs: int = 6) -> str:
    groups: dict[tuple, list[dict]] = {}
    for one in wrong:
        groups.setdefault((one["model"], one["embedding"], one["source"], one["target"]), []).append(one)
    first = next(iter(groups))
    lists = [
        f"<h3>{escape(source)} to {escape(target)}</h3><ul class=words>{''.join(map(_word, found[:each]))}</ul>"
        for (model, embedding, source, target), found in groups.items()
        if (model, embedding) == first[:2]
    ]
    text = f"The first wrong retrievals after alignment: the word, what was found, what was right. {first[1]}."
    rest = "".join(lists[open_pairs:])
    more = f"<details><summary>The other {len(lists) - open_pairs} pairs</summary>{rest}</details>" if rest else ""
    shown = "".join(lists[:open_pairs])
    return f"<section id=words><h2>Words that went wrong</h2><p>{escape(text)}</p>{shown}{more}</section>\n"


def _word(wrong: dict) -> str:
    source, target = escape(wrong["source"]), escape(wrong["target"])
    query, found, right = (escape(str(wrong[name])) for name in ("query", "found", "right"))
    return (
        f'<li><b lang="{source}">{query}</b> \u2192 <span lang="{target}">{found}</span> '
        f'<span class=soft>(<span lang="{target}">{right}</span> was rank {int(wrong["rank"])})</span></li>'
    )
