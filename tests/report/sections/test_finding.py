"""The sentences say what was planted: a map that helps, hurts or cannot be told, toys, ties, leaky ceilings."""

import pytest

from jaxalign.report.results import Results
from jaxalign.report.sections import finding

SPACE = dict(model="lab/thing-1b", embedding="vanilla", pooling="last", layer=8)
QUESTION = dict(retrieval="csls", csls_k=10, candidates="all", completion="drop")
EXTRAS = {"concepts": {"test": 934}, "settings": {"map": "orthogonal"}, "environment": {}}


def rows(setting, value, low=None, high=None, metric="P@1", subset="all", pairs=(), **label):
    """The mean over all pairs of a setting, and the same value for each of `pairs`."""
    size = 0 if setting in ("before", "chance") else 1324
    figures = dict(value=value, count=934, low=value if low is None else low, high=value if high is None else high)
    places = [("mean", "mean"), *pairs]
    head = SPACE | QUESTION | dict(setting=setting, seed_size=size, subset=subset, metric=metric) | figures | label
    return [head | dict(source=source, target=target) for source, target in places]


def planted(after=(0.155, 0.144, 0.166), before=(0.191, 0.18, 0.2), change=(-0.036, -0.045, -0.026)):
    made = rows("after", *after) + rows("before", *before) + rows("chance", 0.0004)
    return made + rows("after - before", *change) + rows("after - before", 0.001, metric="P@1_p")


def said(rows, extras=EXTRAS):
    return finding.said(Results(rows), extras)


def test_the_main_sentence_holds_values_intervals_and_chance():
    (main, *_) = said(planted())
    assert main == (
        "In thing-1b (bare word, last token, last layer (8)), a rotation fitted on 1,324 translated concepts retrieves "
        "the right word first for 15.5 % (14.4-16.6) of 934 unseen concepts (one language pair, CSLS); without a map "
        "it is 19.1 % (18.0-20.0), by chance 0.04 %."
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ((0.036, 0.026, 0.045), "The map helps: it adds 3.6 points (2.6 to 4.5, p <= .001)."),
        ((-0.036, -0.045, -0.026), "The map does not help here: it changes the result by -3.6 points (-4.5 to -2.6"),
        (
            (0.004, -0.003, 0.011),
            "Whether the map helps cannot be told from these test concepts: the difference is 0.4",
        ),
        ((0.004, 0.0, 0.011), "Whether the map helps cannot be told"),
    ],
)
def test_the_verdict_follows_the_interval_of_the_difference(change, words):
    assert said(planted(change=change))[1].startswith(words)


def test_without_a_test_nothing_is_claimed():
    untested = [row for row in planted() if " - " not in row["setting"]]
    assert said(untested)[1] == "Whether the map helps cannot be told: the difference was not tested (--bootstrap=0)."


@pytest.mark.parametrize(
    ("gain", "words"),
    [((0.15, 0.14, 0.16), "comes from the translations"),
     ((0.001, -0.01, 0.01), "cannot be told from that of unrelated"),
     ((-0.05, -0.06, -0.04), "no better than accident")],
)  # fmt: skip
def test_the_null_is_said_beside_the_result(gain, words):
    (sentence,) = [text for text in said(planted() + rows("null", 0.005, 0.003, 0.007) + rows("after - null", *gain))
                   if "shuffled" in text]  # fmt: skip
    assert words in sentence and "0.50 % (0.30-0.70)" in sentence


def test_a_null_that_was_not_run_is_missed():
    assert any("No shuffled dictionary was tried" in text for text in said(planted()))


@pytest.mark.parametrize(
    ("null", "gain", "words"),
    [(0.93, (0.0, -0.01, 0.01), "the ceiling is explained by the leak and says nothing about the languages"),
     (0.6, (0.33, 0.3, 0.36), "most of that is the leak alone"),
     (0.2, (0.73, 0.7, 0.76), "the leak alone gives 20.0 %")],
)  # fmt: skip
def test_a_ceiling_is_read_beside_its_own_null(null, gain, words):
    made = rows("ceiling", 0.93, 0.92, 0.94) + rows("ceiling_null", null, null - 0.01, null + 0.01)
    (sentence,) = [text for text in said(planted() + made + rows("ceiling - ceiling_null", *gain)) if "leaky" in text]
    assert words in sentence and "93.0 % (92.0-94.0)" in sentence


def test_a_ceiling_without_its_null_says_so():
    assert any("was not measured (--settings=ceiling_null)" in text for text in said(planted() + rows("ceiling", 0.9)))


def test_a_toy_is_called_a_toy():
    assert said(planted(), EXTRAS | {"environment": {"toy": True}})[0].startswith("In the toy model thing-1b")
    assert "toy" not in " ".join(said(planted()))


def test_ties_are_said_with_what_they_are_worth():
    pairs = [("en", "fr"), ("fr", "en")]
    tied = rows("after", 0.5, pairs=pairs)
    tied += [row for row in rows("after", 0.4, metric="ties", pairs=pairs) if row["source"] != "mean"]
    tied += [row for row in rows("after", 0.2, metric="P@1_strict", pairs=pairs[:1]) if row["source"] != "mean"]
    sentence = said(tied)[-1]  # the second pair has no ties that count
    assert "in 40.0 % of the queries" in sentence and "is 35.0 %" in sentence


def test_the_best_layer_has_its_null_and_a_warning():
    made = [row for layer, value in enumerate((0.1, 0.3, 0.2)) for row in rows("after", value, layer=layer)]
    made += rows("null", 0.01, 0.005, 0.015, layer=1)
    (sentence,) = [text for text in said(made) if "best of 3 layers" in text]
    assert "is 1 of 2 with 30.0 %" in sentence and "shuffled dictionary gives 1.0 % (0.5-1.5)" in sentence
    assert "chosen on the test concepts" in sentence


def test_languages_have_their_names():
    made = planted() + [row | {"value": value, "low": value - 0.05, "high": value + 0.05}
                        for value, pair in ((0.1, ("en", "eu")), (0.4, ("fr", "en")), (0.2, ("eu", "fr")))
                        for row in rows("after", value, pairs=[pair])[1:]]  # fmt: skip
    (sentence,) = [text for text in said(made) if "highest pair" in text]
    assert "French (fr) to English (en) with 40.0 % (35.0-45.0), the lowest English (en) to Basque (eu)" in sentence


def test_models_that_cannot_be_told_apart_are_named():
    made = planted() + rows("after", 0.15, 0.14, 0.16, model="lab/other-7b") + rows("after", 0.05, model="lab/small")
    made += rows("after - after", 0.005, -0.01, 0.02, model="lab/thing-1b - lab/other-7b")
    made += rows("after - after", 0.1, 0.08, 0.12, model="lab/thing-1b - lab/small")
    (sentence,) = [text for text in said(made) if "told apart" in text]
    assert "other-7b" in sentence and "small" not in sentence


def test_nothing_scored_gives_no_section():
    assert finding.finding(Results([]), {}) is None
