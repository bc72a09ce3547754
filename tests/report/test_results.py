"""Rows are found again by series, setting, seed size, subset and metric."""

import pytest

from jaxalign.report.results import Results, Series, last_layers, name_of, percent, short_model
from tests.report.rows import SERIES, row

PAIRS = [("en", "fr"), ("fr", "en")]
ROWS = [
    *(row(0.2, *pair, setting="before", seed_size=0) for pair in PAIRS),
    *(row(value, *pair, seed_size=size) for size in (10, 20) for pair, value in zip(PAIRS, (0.4, 0.6), strict=True)),
    row(0.9, seed_size=10), row(0.3, *PAIRS[0], subset="abstract"), row(0.1, *PAIRS[0], subset="abstract - physical"),
    row(0.5, *PAIRS[0], metric="MRR"), row(0.5, *PAIRS[0], metric="P@1_p"),
    row(7e9, metric="parameters", setting="model", seed_size=0),
]  # fmt: skip


@pytest.fixture(scope="module")
def results():
    return Results(ROWS)


def test_what_there_is(results):
    (series,) = results.series()
    assert series == Series(**SERIES) and results.languages == ["en", "fr"] and results.hub == "en"
    assert results.settings(series) == ["before", "after", "model"] and results.sizes(series, "after") == [10, 20]
    assert results.subsets(series) == ["all", "abstract"] and results.metrics() == ["P@1", "MRR"]
    assert results.parameters == {"lab/thing-1b": 7_000_000_000}


def test_pairs_are_of_the_largest_seed_dictionary_unless_asked_otherwise(results):
    (series,) = results.series()
    assert results.pairs(series, "after")["en", "fr"]["seed_size"] == 20
    assert results.pairs(series, "after", seed_size=10)["en", "fr"]["seed_size"] == 10
    assert results.pairs(series, "ceiling") == {}


def test_a_mean_is_read_or_computed_without_an_interval(results):
    (series,) = results.series()
    assert results.mean(series, "after", seed_size=10)["value"] == 0.9  # the row of the mean itself
    computed = results.mean(series, "after")
    assert computed["value"] == pytest.approx(0.5) and computed["low"] is None and computed["source"] == "mean"
    assert results.mean(series, "null") is None


def test_the_deepest_layer_of_each_series_csls_first():
    rows = [row(0.1, layer=layer, retrieval=retrieval) for retrieval in ("nn", "csls") for layer in (4, 8, 0)]
    deepest = last_layers(Results(rows))
    assert [(series.retrieval, series.layer) for series in deepest] == [("csls", 8), ("nn", 8)]


def test_names_say_only_what_differs():
    one = Series(**SERIES)
    assert name_of(one, [one]) == "vanilla"
    among = [one, one._replace(layer=8, model="lab/other-7b")]
    assert [name_of(each, among) for each in among] == ["thing-1b · vanilla · layer 4", "other-7b · vanilla · layer 8"]
    assert short_model("/models/x/") == "x" and short_model("plain") == "plain" and percent(0.12345) == 12.35
