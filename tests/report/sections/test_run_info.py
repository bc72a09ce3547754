"""What was run: title, lead, runs, concepts, settings and time."""

from jaxalign.report.results import Results
from jaxalign.report.sections import run_info
from tests.report.rows import row

EXTRAS = {
    "concepts": {"total": 1200, "seed": 800, "test": 400, "kinds": {"abstract": 300, "physical": 900}},
    "environment": {"device_kind": "TPU v5e", "models": {"m": {"digest": "ab"}}},
    "filters": [["listed", 2000], ["complete", 1200]],
    "settings": {"layers": (1, 2)},
    "timing": [{"phase": "embed", "seconds": 1.23456, "share": 0.25}, {"phase": "total", "seconds": 5}],
    "runs": [{"run": "run-0001", "models": ["lab/thing-1b"], "languages": ["en", "fr"], "rows": 12}],
}


def results(count=1):
    return Results(row(0.4, "en", "fr", model=f"lab/model-{number}") for number in range(count))


def test_the_title_names_up_to_four_models():
    assert run_info.title(results()) == "Concept space alignment: model-0"
    assert run_info.title(results(6)).endswith("model-0, model-1, model-2, model-3 and 2 more")
    assert run_info.title(Results([])).endswith("no model")


def test_the_lead_counts_languages_and_concepts():
    assert run_info.lead(results(), EXTRAS) == (
        "2 languages (en, fr); 1,200 concepts (300 abstract, 900 physical); 800 in the seed dictionary, 400 in the "
        "test set; TPU v5e."
    )
    assert run_info.lead(results(), {}) == "2 languages (en, fr)."


def test_sections_of_runs_concepts_and_method():
    runs, concepts, method = run_info.sections(EXTRAS)
    assert runs.tables[0].body == [["run-0001", "thing-1b", "en, fr", 12]]
    filters, kinds = concepts.tables
    assert filters.body == [["listed", 2000], ["complete", 1200]]
    assert kinds.body == [["abstract", 300, 25.0], ["physical", 900, 75.0]]
    assert method.tables[0].body == [["embed", 1.235, 25.0], ["total before this page", 5.0, None]]
    settings, environment = method.folded
    assert settings.body == [["layers", "1, 2"]]
    assert ["models.m.digest", "ab"] in environment.body
    assert [section.key for section in run_info.sections({})] == ["method"]


def test_sentences_around_the_words_are_counted_by_language():
    sentences = {"en": {"total": 40, "fewest": 1, "most": 5}, "fr": {"total": 36, "fewest": 3, "most": 3}}
    concepts = EXTRAS["concepts"] | {"contexts": {"name": "mine", "sentences": sentences}}
    table = run_info.sections({"concepts": concepts})[0].tables[-1]
    assert table.title == "Sentences around the words, mine"
    assert table.body == [["en", 40, 1, 5], ["fr", 36, 3, 3]]
