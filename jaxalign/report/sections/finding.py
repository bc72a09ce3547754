"""The finding in words: sentences chosen by rules from the rows of the series that heads the page."""

from collections.abc import Mapping

from jaxalign.report import names
from jaxalign.report.results import MEAN, Results, Series, last_layers, short_model
from jaxalign.report.sections import best, headline, model_groups, sweeps
from jaxalign.report.sections.model_groups import Test
from jaxalign.report.sections.section import Section

_MAPS = {"orthogonal": "rotation", "least_squares": "linear map", "ridge": "ridge-regularised linear map"}


def _points(test: Test) -> str:
    """The difference in points, with interval and p."""
    points = names.points(test.row)
    if test.p is None:
        return points
    return f"{points[:-1]}, {names.p_value(test.p)})" if points.endswith(")") else points


def finding(results: Results, extras: Mapping) -> Section | None:
    """What was found, in sentences; None where nothing was scored."""
    sentences = said(results, extras)
    return Section("finding", "What was found", "\n".join(sentences)) if sentences else None


def said(results: Results, extras: Mapping) -> list[str]:
    """The sentences, most important first, each chosen by a rule from the rows."""
    among = last_layers(results)
    series = headline.best_series(results) or (among[0] if among else None)
    if series is None:
        return []
    sentences = [
        _main(results, series, extras),
        _verdict(results, series),
        _null(results, series),
        _ceiling(results, series),
        _best_layer(results, series),
        _pairs(results, series),
        _kinds(results, series),
        _models(results, series),
        _ties(results, series),
    ]
    return [sentence for sentence in sentences if sentence]


def _test(results: Results, series: Series, setting: str, subset: str = "all") -> Test | None:
    """The mean over all pairs of a difference of settings or subsets."""
    row = results.pairs(series, setting, subset).get((MEAN, MEAN))
    if row is None:
        return None
    p = results.pairs(series, setting, subset, "P@1_p", row["seed_size"]).get((MEAN, MEAN))
    return Test(row, p["value"] if p else None)


def _where(results: Results, series: Series, extras: Mapping) -> str:
    toy = "the toy model " if (extras.get("environment") or {}).get("toy") else ""
    pooling = "" if series.pooling in ("none", "auto") else f", {series.pooling} token"
    pooling = pooling.replace("mean token", "mean of tokens")
    space = f"{names.embedding_name(series.embedding)}{pooling}"
    layers = sum(other._replace(layer=0) == series._replace(layer=0) for other in results.series())
    space += f", last layer ({series.layer})" if series.layer else ""
    choice = "" if layers < 2 and len(last_layers(results)) < 2 else "best of the last layers: "
    return f"In {toy}{short_model(series.model)} ({choice}{space})"


def _main(results: Results, series: Series, extras: Mapping) -> str:
    after, before = results.mean(series, "after"), results.mean(series, "before")
    chance = results.mean(series, "chance")
    row = after or before
    if row is None:
        return ""
    count = len([pair for pair in results.pairs(series, row["setting"]) if MEAN not in pair])
    pairs = f"mean of {count:,} ordered language pairs" if count > 1 else "one language pair"
    by_chance = f", by chance {names.short_percent(chance['value'])} %" if chance else ""
    test = (extras.get("concepts") or {}).get("test") or row["count"]
    if after is None:
        return (
            f"{_where(results, series, extras)}, without a map the right word is retrieved first for "
            f"{names.share(row)} of {test:,} test concepts ({pairs}){by_chance}."
        )
    settings = extras.get("settings") or {}  # of joined runs: by the name of the run
    every = [settings, *(one for one in settings.values() if isinstance(one, Mapping))]
    kinds = {one["map"] for one in every if "map" in one}
    kind = _MAPS.get(str(kinds.pop()), "map") if len(kinds) == 1 else "map"
    without = f"; without a map it is {names.share(before)}" if before else ""
    return (
        f"{_where(results, series, extras)}, a {kind} fitted on {after['seed_size']:,} translated concepts retrieves "
        f"the right word first for {names.share(after)} of {test:,} unseen concepts ({pairs}, "
        f"{names.RETRIEVAL_NAMES.get(series.retrieval, series.retrieval)}){without}{by_chance}."
    )


def _verdict(results: Results, series: Series) -> str:
    test = _test(results, series, "after - before")
    if test is None:
        if results.mean(series, "after") and results.mean(series, "before"):
            return "Whether the map helps cannot be told: the difference was not tested (--bootstrap=0)."
        return ""
    if test.verdict == "more":
        return f"The map helps: it adds {_points(test)}."
    if test.verdict == "less":
        return f"The map does not help here: it changes the result by {_points(test)}."
    return f"Whether the map helps cannot be told from these test concepts: the difference is {_points(test)}."


def _null(results: Results, series: Series) -> str:
    null, after = results.mean(series, "null"), results.mean(series, "after")
    if after is None:
        return ""
    if null is None:
        return "No shuffled dictionary was tried (--settings=null), so what unrelated pairs would give is not known."
    test = _test(results, series, "after - null")
    same = f"The same fit on a shuffled dictionary gives {names.share(null)}"
    if test is None:
        return f"{same}; the difference was not tested (--bootstrap=0)."
    if test.verdict == "more":
        return f"{same}: the fitted map's result comes from the translations."
    if test.verdict == "less":
        return f"{same}, more than the right dictionary: read the fitted map's result as no better than accident."
    return f"{same}: the fitted map's result cannot be told from that of unrelated pairs."


def _ceiling(results: Results, series: Series) -> str:
    ceiling, null = results.mean(series, "ceiling"), results.mean(series, "ceiling_null")
    if ceiling is None:
        return ""
    start = f"A map that has also seen the test concepts (leaky ceiling) reaches {names.share(ceiling)}"
    if null is None:
        return f"{start}; how much of that is the leak alone was not measured (--settings=ceiling_null)."
    test = _test(results, series, "ceiling - ceiling_null")
    if test is None or test.verdict != "more":
        return (
            f"{start}, but it reaches {names.share(null)} on a shuffled dictionary as well: the ceiling is explained "
            "by the leak and says nothing about the languages."
        )
    part = null["value"] / ceiling["value"] if ceiling["value"] else 1.0
    if part >= 0.5:
        return f"{start}; most of that is the leak alone, which gives {names.share(null)} on a shuffled dictionary."
    return f"{start}; the leak alone gives {names.share(null)} on a shuffled dictionary."


def _best_layer(results: Results, series: Series) -> str:
    layers = sweeps.by_depth(results).get(series._replace(layer=0))
    if layers is None:
        return ""
    scored = [
        (layer, row) for layer in layers if (row := results.mean(layer, "after") or results.mean(layer, "before"))
    ]
    if not scored:
        return ""
    setting = "after" if results.mean(scored[0][0], "after") else "before"
    if found := best.of_layers(results, layers, setting):
        return best.sentence(found, layers[-1].layer)
    highest, row = max(scored, key=lambda entry: entry[1]["value"])
    null = results.mean(highest, "null")
    tested = best.corrected(results, highest, setting, len(scored))
    beside = (
        f"; its shuffled dictionary gives {names.share(null)}" if null else "; its shuffled dictionary was not tried"
    )
    last = " (the last)" if highest.layer == series.layer else f" of {layers[-1].layer}"
    return (
        f"The best of {len(scored)} layers is {highest.layer}{last} with {names.share(row)}{beside}"
        f"{f'; {tested}' if tested else ''}. It was chosen on the test concepts, which makes it look a little better "
        "than it is."
    )


def _pairs(results: Results, series: Series) -> str:
    setting = "after" if results.pairs(series, "after") else "before"
    rows = [row for pair, row in results.pairs(series, setting).items() if MEAN not in pair]
    if len(rows) < 3:
        return ""
    low, high = (choose(rows, key=lambda row: row["value"]) for choose in (min, max))
    if low["value"] == high["value"]:
        return ""
    ends = [f"{names.language_label(row['source'])} to {names.language_label(row['target'])}" for row in (high, low)]
    return f"The highest pair is {ends[0]} with {names.share(high)}, the lowest {ends[1]} with {names.share(low)}."


def _kinds(results: Results, series: Series) -> str:
    subset = "abstract - physical_down"
    test = _test(results, series, "after", subset) or _test(results, series, "after", "abstract - physical")
    if test is None:
        return ""
    if test.verdict == "unknown":
        return f"No difference between abstract and physical concepts can be told: {_points(test)}."
    word = "more" if test.verdict == "more" else "less"
    return f"Abstract concepts are retrieved {word} often than physical ones: {_points(test)}."


def _models(results: Results, series: Series) -> str:
    """How many of the other models cannot be told from the best, by the tests on the same concepts."""
    others = {other.model for other in last_layers(results)} - {series.model}
    if not others:
        return ""
    tests = _against(results, series)
    if not tests:
        others_were = f"{len(others)} other models were" if len(others) > 1 else "One other model was"
        return f"{others_were} run, and not tested against it on the same concepts."
    alike = [short_model(model) for model in _alike(results, series, tests)]
    if not alike:
        every = f"each of the {len(tests)} other models" if len(tests) > 1 else "the other model"
        return f"It is told apart from {every} on the same concepts."
    return f"It cannot be told apart from {', '.join(alike)}, on the same concepts."


def _alike(results: Results, series: Series, tests: Mapping[str, Test]) -> list[str]:
    """Models that cannot be told from the best: by the run's groups, which judge all at once, or by single tests."""
    among = last_layers(results)
    if series not in model_groups.places(results, among):
        return [model for model, test in tests.items() if test.verdict == "unknown"]
    groups = model_groups.groups(results, among)
    kind = series._replace(model="", pooling="", layer=0)
    same = [one.model for one in among if one._replace(model="", pooling="", layer=0) == kind and one != series]
    mine = {one.model for one in among if groups.get(one) == groups.get(series)}
    return [model for model in dict.fromkeys(same) if model in mine and model != series.model]


def _against(results: Results, series: Series) -> dict[str, Test]:
    tests = model_groups.against_each_other(results)
    kind = series._replace(model="", pooling="", layer=0)
    return {other: test for (first, other, same), test in tests.items() if (first, same) == (series.model, kind)}


def _ties(results: Results, series: Series) -> str:
    tied = headline.tied(results, series)
    if tied < headline.TIED:
        return ""
    strict = results.pairs(series, "after", metric="P@1_strict")
    rows = results.pairs(series, "after")
    values = [strict.get(pair, row)["value"] for pair, row in rows.items() if MEAN not in pair]
    mean = sum(values) / len(values) if values else 0.0
    return (
        f"Read with care: in {names.short_percent(tied)} % of the queries the right answer ties with other candidates; "
        f"with every tie counted as wrong the fitted map's result is {names.short_percent(mean)} %."
    )
