"""The best layer is said with what the choice alone gives, in words and in the table."""

from jaxalign.report.results import Results, last_layers
from jaxalign.report.sections import best, finding, headline, sweeps
from tests.report.rows import row


def planted(p=0.0004):
    rows = [
        row(value, *pair, layer=layer, setting=setting)
        for setting, add in (("before", 0.0), ("after", 0.1))
        for layer, value in enumerate((0.1 + add, 0.3 + add, 0.2 + add))
        for pair in (("en", "fr"), ("fr", "en"), ("mean", "mean"))
    ]
    for setting, value in (("before", 0.3), ("after", 0.4)):
        for name, figures in {
            "": (value, value - 0.03, value + 0.03), "_null": (0.01, 0.005, 0.015),
            "_held_out": (value - 0.01, value - 0.04, value + 0.02), "_p": (p, p, p), "_alike": (2, 2, 2),
        }.items():  # fmt: skip
            numbers = dict(zip(("value", "low", "high"), figures, strict=True))
            made = row(0.0, layer=1, setting=setting, metric=f"best_layer{name}") | numbers
            rows.append(made | ({"count": 3} if name == "_alike" else {}))
    return [*rows, row(0.02, layer=2, setting="null", metric="best_layer", low=0.02, high=0.02)]


def test_the_sentence_holds_value_null_p_and_held_out():
    results = Results(planted())
    (text,) = [text for text in finding.said(results, {}) if "best of 3 layers" in text]
    assert "is 1 of 2 with 40.0 % (37.0-43.0), an interval that allows for the choice; one other cannot" in text
    assert "the best layer has 1.0 % (0.5-1.5), with shuffled dictionaries 2.0 % (p <= .001)" in text
    assert text.endswith("scored on the other, the best layer has 39.0 % (36.0-42.0).")
    assert "best of" not in " ".join(finding.said(Results([row(0.2)]), {}))


def test_the_table_has_a_line_for_every_setting():
    results = Results(planted(p=0.2))
    section = sweeps.layers(results, last_layers(results))
    (table,) = section.tables
    assert [line[1:3] for line in table.body] == [["fitted map", 1], ["no map", 1]]
    after, before = table.body
    assert [float(cell) for cell in after[3:8]] == [40.0, 39.0, 1.0, 0.2, 2.0] and after[8] == "2 of 3"
    assert before[7] is None and len(table.header) == len(after)


def test_without_such_rows_the_choice_is_corrected_by_bonferroni():
    plain = [one for one in planted() if not one["metric"].startswith("best_layer")]
    plain += [row(0.001, layer=layer, metric="P@1_p") for layer in range(3)]
    (text,) = [text for text in finding.said(Results(plain), {}) if "best of 3 layers" in text]
    assert "p <= .003 against chance, corrected for the choice among 3. It was chosen on the test" in text
    results = Results(plain)
    assert best.corrected(results, last_layers(results)[0], "after", 2000).startswith("p <= 1.000") is False
    assert best.corrected(results, last_layers(results)[0], "before", 2) == ""
    assert sweeps.layers(results, last_layers(results)).tables == ()


def test_the_best_series_has_its_null_and_p():
    rows = [row(value, retrieval=name, metric=metric) for name in ("csls", "nn")
            for metric, value in (("P@1", 0.4 if name == "csls" else 0.3), ("P@1_p", 0.001))]  # fmt: skip
    rows += [row(0.01, retrieval="csls", setting="null", low=0.01, high=0.01)]
    text = headline.headline(Results(rows)).text
    assert (
        "(p <= .002 against chance, corrected for the choice among 2; with a shuffled dictionary it has 1.0 %)." in text
    )
    assert "corrected" not in headline.headline(Results([row(0.2), row(0.001, metric="P@1_p")])).text
