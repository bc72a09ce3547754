"""The report as Markdown: the same sections, figures as files."""

from jaxalign.report import tables
from jaxalign.report.page.citation import citation
from jaxalign.report.page.render import Page
from jaxalign.report.page.words import PairErrors, sentence
from jaxalign.report.sections import Section

_EACH, _PAIRS = 3, 60  # wrong retrievals of a pair, and pairs that are listed


def markdown(page: Page) -> str:
    """The text of report.md."""
    parts = [f"# {_escape(page.title)}\n\n{_escape(page.lead)}\n"]
    parts += [f"> {_escape(note)}\n" for note in page.notes]
    parts += [part for section in page.sections for part in _section(section)]
    if page.words:
        parts += ["## Words that went wrong\n", f"{_escape(page.words_note)}\n", *map(_words, page.words[:_PAIRS]), ""]
    return "\n".join([*parts, f"## How to cite\n\n```\n{citation(page.version)}\n```\n"])


def _section(section: Section) -> list[str]:
    parts = [f"## {section.title}\n"]
    parts += [f"{_escape(line)}\n" for line in section.text.splitlines()]
    for picture in (*section.pictures, *section.files):
        parts.append(f"![{_escape(picture.alt)}](figures/{picture.name}.svg)\n\n{_escape(picture.caption)}\n")
    return parts + [tables.markdown(table) for table in (*section.tables, *section.folded)]


def _words(pair: PairErrors) -> str:
    lines = [f"- {pair.source}-{pair.target}: {_escape(sentence(error))}" for error in pair.sample[:_EACH]]
    return "\n".join(lines)


def _escape(text: str) -> str:
    return " ".join(text.split()).replace("<", "&lt;").replace("[", "\\[").replace("]", "\\]")
