"""All that stands on the page, out of rows and what was kept beside them."""

from jaxalign.report.page.build import build
from jaxalign.report.results import Results
from tests.report.rows import SERIES, row

ROWS = [row(value, *pair, setting=setting, seed_size=size)
        for setting, size, value in (("before", 0, 0.2), ("after", 20, 0.5))
        for pair in (("en", "fr"), ("fr", "en"), ("mean", "mean"))]  # fmt: skip
WRONG = {name: SERIES[name] for name in ("model", "embedding", "pooling", "layer")} | dict(
    source="fr", target="en", queries=40, wrong=7, sample=[["c", "chat", "dog", "cat", 3]], worst=[], common=[]
)


def test_the_page_has_its_parts_in_order():
    extras = {"wrong": [WRONG], "environment": {"warnings": ["a toy", "a toy"]}, "notes": ["kept apart"]}
    page = build(Results(ROWS), extras)
    keys = [section.key for section in page.sections]
    assert keys.index("pairs") < keys.index("method") and keys[-1] == "method" and len(keys) == len(set(keys))
    assert page.notes == ["a toy", "kept apart"] and page.title.endswith("thing-1b")
    assert [pair.wrong for pair in page.words] == [7] and "of vanilla" in page.words_note
    assert page.explorer is not None and page.explorer["hub"] == "en"


def test_rows_without_a_score_make_a_page_as_well():
    page = build(Results([]), {})
    assert page.title.endswith("no model") and page.words == [] and page.explorer is None and page.notes == []


def test_what_the_loader_noticed_stands_above_every_figure():
    """A field of config.json that nothing reads, and words that the tokenizer does not know; each sentence once."""
    warning = "config.json has a field that nothing reads: new_field"
    models = {"org/one": {"warnings": [warning]}, "two": {"warnings": [], "unknown_words": {"th": 1200}}, "three": {}}
    extras = {"environment": {"warnings": ["A toy."], "models": models}, "notes": ["A toy.", "Kept apart."]}
    unknown = "two: words that are nothing but the tokenizer's unknown token: 1,200 in Thai."
    assert build(Results([]), extras).notes == ["A toy.", "Kept apart.", f"org/one: {warning}", unknown]
