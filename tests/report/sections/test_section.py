"""What the sections share: means of subsets by setting, and the number of queries."""

from jaxalign.report.results import Results
from jaxalign.report.sections.section import queries, subset_means
from tests.report.rows import row

RESULTS = Results([
    row(0.2, setting="before", seed_size=0), row(0.4), row(0.3, subset="loans_removed"),
    row(0.5, "en", "fr", subset="loans_removed", count=17), row(0.1, "en", "fr", setting="before", seed_size=0),
    row(0.1, "en", "fr", setting="before", seed_size=0, subset="loans_removed", count=17),
])  # fmt: skip


def test_means_of_subsets_without_settings_that_have_none():
    (series,) = RESULTS.series()
    means = subset_means(RESULTS, series, ["all", "loans_removed"])
    assert list(means) == ["before", "after"]
    assert [each["value"] for each in means["after"]] == [0.4, 0.3]
    assert means["before"][0]["value"] == 0.2 and means["before"][1]["value"] == 0.1  # computed from its pair


def test_the_number_of_queries_of_a_pair():
    (series,) = RESULTS.series()
    assert queries(RESULTS, series, "loans_removed") == 17 and queries(RESULTS, series, "none") == 0
