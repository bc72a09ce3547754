"""Models that cannot be told apart share a group."""

from benchmarks.many_rows import Study, rows
from jaxalign.metrics.rows import Place, result_row
from jaxalign.report.page import explorer_data
from jaxalign.report.results import Results, last_layers
from jaxalign.report.sections import model_groups

SMALL = Study(models=("a-1b", "b-1b", "c-1b"), layers=2, languages=("en", "fr"), metrics=("P@1",))
KEY = dict(embedding="vanilla", pooling="last", layer=1, retrieval="csls", csls_k=10, candidates="all",
           completion="drop")  # fmt: skip


def planted(first_second, second_third):
    """Rows of three models, 30, 20 and 10 %, and the intervals of their differences."""
    made = []
    for model, value in zip(SMALL.models, (0.3, 0.2, 0.1), strict=True):
        place = Place(model, setting="after", seed_size=9, metric="P@1", **KEY)
        made += [result_row(place, value, 40, value - 0.02, value + 0.02)]
        made += [result_row(place._replace(source="fr", target="en"), value, 40)]
    for pair, (low, high) in {
        "a-1b - b-1b": first_second,
        "b-1b - c-1b": second_third,
        "a-1b - c-1b": (0.1, 0.3),
    }.items():
        place = Place(pair, setting="after - after", seed_size=9, metric="P@1", **KEY)
        made.append(result_row(place, (low + high) / 2, 40, low, high))
    return [dict(row) for row in made]


def numbers(made):
    results = Results(made)
    return {series.model: number for series, number in model_groups.groups(results, last_layers(results)).items()}


def test_groups_go_down_from_the_best():
    assert numbers(planted((0.05, 0.15), (0.05, 0.15))) == {"a-1b": 1, "b-1b": 2, "c-1b": 3}
    assert numbers(planted((-0.02, 0.2), (0.05, 0.15))) == {"a-1b": 1, "b-1b": 1, "c-1b": 2}
    assert numbers(planted((0.05, 0.15), (-0.01, 0.2))) == {"a-1b": 1, "b-1b": 2, "c-1b": 2}
    untested = [row for row in planted((0.05, 0.15), (0.05, 0.15)) if row["setting"] == "after"]
    assert numbers(untested) == {}


def test_the_runs_own_groups_come_first():
    made = planted((0.05, 0.15), (0.05, 0.15))
    for model, number in zip(SMALL.models, (1, 1, 2), strict=True):
        place = Place(model, setting="after", seed_size=9, metric="group", **KEY)
        made.append(dict(result_row(place, number, 3)))
    assert numbers(made) == {"a-1b": 1, "b-1b": 1, "c-1b": 2}
    for model, (low, high) in zip(SMALL.models, ((1, 2), (1, 2), (3, 3)), strict=True):
        place = Place(model, setting="after", seed_size=9, metric="rank", **KEY)
        made.append(dict(result_row(place, low if model != "b-1b" else 2, 3, low, high)))
    results = Results(made)
    shown = {series.model: str(place) for series, place in model_groups.places(results, last_layers(results)).items()}
    assert shown == {"a-1b": "1 (1-2)", "b-1b": "2 (1-2)", "c-1b": "3"}
    data = explorer_data.explorer_data(results, {}, ["en", "fr"], None)
    assert {cell[4] for cell in data["cells"]} == {"P@1"} and data["board"][0][3:] == [1, "1 (1-2)"]


def test_verdicts_are_read_from_both_sides():
    tests = model_groups.against_each_other(Results([dict(row) for row in rows(SMALL)]))
    assert {(first, second) for first, second, _ in tests} == {
        (first, second) for first in SMALL.models for second in SMALL.models if first != second
    }
