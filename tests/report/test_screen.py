"""Lines for the screen."""

from jaxalign.metrics.rows import Place, result_row
from jaxalign.report import screen


def test_what_was_found_in_a_space():
    place = Place("org/demo", "prompt:short", "last", 4, retrieval="csls", metric="P@1")
    rows = [
        result_row(place._replace(setting="before"), 0.065, 122, 0.054, 0.077),
        result_row(place._replace(setting="after", seed_size=100), 0.2, 122, 0.18, 0.22),
        result_row(place._replace(setting="after", seed_size=366), 0.4454, 122, 0.413, 0.477),
        result_row(place._replace(setting="after", seed_size=366, retrieval="nn"), 0.3, 122),
        result_row(place._replace(setting="after", seed_size=366, source="fr", target="en"), 0.9, 122),
        result_row(place._replace(setting="after - before", seed_size=366), 0.38, 122, 0.34, 0.41),
    ]
    assert screen.found(rows) == (
        'demo, prompt "short", last, layer 4, CSLS: fitted map 44.5 % (41.3-47.7), no map 6.5 % (5.4-7.7)'
    )
    assert screen.found([]) == ""


def test_where_the_time_went():
    stages = (("embed", 12.34), ("align", 80), ("load", 0.1))
    rows = [{"phase": name, "seconds": seconds, "share": seconds / 100} for name, seconds in stages]
    rows.append({"phase": "total", "seconds": 100.0, "share": 1.0})
    assert screen.times(rows) == "time: 1:40 min: align 80 s (80 %), embed 12.3 s (12 %)"
    assert screen.times([]) == "time: 0.0 s"


def test_the_best_layer_is_said_with_its_null():
    place = Place("org/demo", "vanilla", "last", 3, setting="after", retrieval="csls")
    figures = {"": (0.4, 0.37, 0.43), "_null": (0.01, 0.005, 0.015), "_held_out": (0.39, 0.36, 0.42)}
    rows = [result_row(place._replace(metric=f"best_layer{name}"), value, 122, low, high)
            for name, (value, low, high) in figures.items()]  # fmt: skip
    rows += [result_row(place._replace(metric="best_layer_p"), 0.0004, 122),
             result_row(place._replace(metric="best_layer_alike"), 2, 5),
             result_row(place._replace(metric="best_layer", setting="null"), 0.02, 122)]  # fmt: skip
    assert screen.best_layers(rows) == [
        "demo, bare word, last, CSLS: best of 5 layers with fitted map: 3 with 40.0 % (37.0-43.0), shuffled answers "
        "1.0 % (0.5-1.5) (p <= .001), chosen on other concepts 39.0 % (36.0-42.0)"
    ]
    assert screen.best_layers([]) == []
