"""Wrong retrievals as words: of one space only, and isolated from the writing direction."""

from jaxalign.report.page import words
from jaxalign.report.results import Series
from tests.report.rows import SERIES

LABEL = dict(model="m", embedding="vanilla", pooling="last", layer=4)
ENTRY = ["c1", "chat", "dog", "cat", 3]


def record(**changes):
    return LABEL | dict(source="fr", target="en", queries=40, wrong=7, sample=[ENTRY], worst=[ENTRY],
                        common=[["dog", 5]]) | changes  # fmt: skip


def test_only_records_of_the_series_are_shown():
    records = [record(), record(layer=8, wrong=9), record(source="en", target="fr")]
    series = Series(**SERIES)._replace(**LABEL)
    found = words.of_series(records, series)
    assert [(pair.source, pair.target, pair.wrong) for pair in found] == [("fr", "en", 7), ("en", "fr", 7)]
    assert found[0].sample == [words.Retrieval(*ENTRY)] and found[0].common == [["dog", 5]]
    assert words.of_series(records, series._replace(layer=8))[0].wrong == 9
    assert words.of_series(records, None) == found and words.of_series([], series) == []


def test_records_of_the_first_version_are_put_together_by_pair():
    old = [LABEL | dict(source="fr", target="en", id=f"c{n}", query="chat", found="dog", right="cat", rank=n)
           for n in (2, 5)]  # fmt: skip
    (pair,) = words.of_series(old, None)
    assert [error.rank for error in pair.sample] == [2, 5] and (pair.queries, pair.wrong) == (0, 0)


def test_a_sentence_isolates_every_word():
    text = words.sentence(words.Retrieval("c", "חתול", "dog", "cat", 3))
    assert text == "\u2068חתול\u2069 -> \u2068dog\u2069 (\u2068cat\u2069 was rank 3)"
