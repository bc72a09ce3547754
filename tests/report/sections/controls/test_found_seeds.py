"""The section on maps without a dictionary compares every setting over the same pairs."""

from jaxalign.metrics.rows import Place, result_row
from jaxalign.report.results import Results, last_layers
from jaxalign.report.sections.controls.found_seeds import found
from tests.planted import COLUMNS, LABEL


def rows(subset):
    base, made = Place(**LABEL._asdict(), **COLUMNS, subset=subset), []
    for pair in (("en", "fr"), ("fr", "en"), ("mean", "mean")):
        at = base._replace(source=pair[0], target=pair[1], metric="P@1")
        for number, setting in enumerate(("before", "after", "identical", "refined", "refined_null")):
            value = 0.1 * number + 0.1
            made.append(result_row(at._replace(setting=setting), value, 50, value - 0.05, value + 0.05))
        made.append(result_row(at._replace(setting="refined - after"), 0.2, 50, 0.1, 0.3))
        made.append(result_row(at._replace(setting="refined - after", metric="P@1_p"), 0.004, 50))
        if "mean" not in pair:
            made += [result_row(at._replace(setting=name, metric="seeds"), seeds, 300)
                     for name, seeds in (("identical", 31), ("refined", 210))]  # fmt: skip
    return made


def test_settings_differences_and_seeds_have_lines():
    whole = [result_row(Place(**LABEL._asdict(), **COLUMNS, setting="before", metric="P@1"), 0.7, 50, 0.6, 0.8)]
    results = Results([dict(row) for row in whole + rows("with_identical")])
    assert results.settings(last_layers(results)[0]) == ["before"]  # no heat map over some of the pairs
    section = found(results, last_layers(results))
    means, differences = section.tables
    assert [line[1] for line in means.body] == ["no map", "fitted map", "map of identical words", "refined map",
                                                "refined map, shuffled"]  # fmt: skip
    assert [round(float(line[3])) for line in means.body] == [10, 20, 30, 40, 50] and means.body[0][2] == 2
    assert differences.body[0][1] == "refined map - fitted map" and differences.body[0][5].text == "0.004"
    (pairs,) = section.folded
    assert [line[:3] for line in pairs.body] == [["vanilla", "en", "fr"], ["vanilla", "fr", "en"]]
    assert pairs.body[0][-2:] == [31, 210] and len(pairs.header) == len(pairs.body[0])
    assert found(Results([dict(row) for row in rows("all")]), last_layers(results)) is not None
    assert found(Results([dict(row) for row in whole]), last_layers(results)) is None
