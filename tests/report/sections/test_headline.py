"""The series that heads the page is the best one that ties do not decide."""

from jaxalign.report.results import Results
from jaxalign.report.sections import headline


def test_a_series_that_ties_decide_does_not_head_the_page():
    """Made as the pipeline makes them: P@1 rows of two series, and `ties` rows of the better one."""

    def row(pooling, metric, value, source="mean", target="mean"):
        label = dict(model="m", embedding="vanilla", pooling=pooling, layer=1, source=source, target=target)
        question = dict(setting="after", seed_size=9, retrieval="csls", csls_k=10, candidates="all", completion="drop")
        return label | question | dict(subset="all", metric=metric, value=value, count=9, low=value, high=value)

    rows = [row(pooling, "P@1", value, *pair) for pooling, value in (("first", 0.9), ("last", 0.4))
            for pair in (("en", "fr"), ("fr", "en"), ("mean", "mean"))]  # fmt: skip
    assert headline.best_series(Results(rows)).pooling == "first"
    tied = Results(rows + [row("first", "ties", 0.5, "en", "fr")])
    assert (
        headline.best_series(tied).pooling == "last"
        and headline.tied(tied, headline.best_series(Results(rows))) == 0.25
    )
    assert (
        "first" in headline.ties_note(tied)
        and "25 %" in headline.ties_note(tied)
        and headline.ties_note(Results(rows)) == ""
    )
