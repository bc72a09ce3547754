"""report.md: the sections in their order, figures as files, no markup out of data."""

from jaxalign.report.drawing.svg import Picture
from jaxalign.report.page.markdown import markdown
from jaxalign.report.page.render import Page
from jaxalign.report.page.words import PairErrors, Retrieval
from jaxalign.report.sections.section import Section
from jaxalign.report.tables import Table


def page(**changes):
    picture = Picture("heat", "Caption [x]", "Alt <b>", "<svg/>")
    section = Section("pairs", "Pairs", "One.\nTwo <i>.", (picture,), (Table("T", ["a", "b"], [["x", 1]]),))
    errors = PairErrors("fr", "en", 40, 7, [Retrieval("c", "<b>chat", "dog", "cat", rank) for rank in range(2, 8)])
    fields = dict(title="Title <x>", lead="Lead", tiles=[], sections=[section], words=[errors], words_note="Note",
                  notes=["A warning"], version="9.9")  # fmt: skip
    return Page(**(fields | changes))


def test_everything_stands_in_its_order_and_nothing_is_markup():
    text = markdown(page())
    order = ["# Title &lt;x>", "Lead", "> A warning", "## Pairs", "One.", "Two &lt;i>.", "(figures/heat.svg)",
             "Caption \\[x\\]", "| x", "## Words that went wrong", "Note", "## How to cite", "9.9"]  # fmt: skip
    places = [text.index(part) for part in order]
    assert places == sorted(places) and "<b>" not in text and "<i>" not in text


def test_a_few_wrong_words_of_each_pair():
    text = markdown(page())
    assert text.count("- fr-en:") == 3 and "was rank 2" in text and "was rank 5" not in text
    assert "went wrong" not in markdown(page(words=[]))
