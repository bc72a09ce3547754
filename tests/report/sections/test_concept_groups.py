"""Groups of concepts: kinds, identical forms, domains and every subset."""

import pytest

from jaxalign.report.results import Results, last_layers
from jaxalign.report.sections import concept_groups
from tests.report.rows import row


def scored(subset, before, after, count=40):
    return [
        row(value, *pair, subset=subset, setting=setting, seed_size=size, count=count)
        for setting, size, value in (("before", 0, before), ("after", 20, after))
        for pair in (("fr", "en"), ("mean", "mean"))
    ]


def section(make, *parts):
    results = Results([each for part in parts for each in part])
    return make(results, last_layers(results))


def test_abstract_against_physical():
    rows = [scored("all", 0.2, 0.5), scored("abstract", 0.2, 0.4, 10), scored("physical", 0.3, 0.6, 30),
            scored("physical_down", 0.25, 0.55, 10)]  # fmt: skip
    made = section(concept_groups.kinds, *rows)
    (table,) = made.tables
    after = next(line for line in table.body if "after" in line[1] or line[1] == table.body[-1][1])
    assert table.header[2:] == ["abstract", "physical_down", "physical", "difference"]
    assert [float(cell) for cell in table.body[-1][2:]] == pytest.approx([40.0, 55.0, 60.0, -15.0]) and after
    assert "fr-en: abstract 40.0, physical_down 55.0, physical 60.0" in made.pictures[0].alt
    assert section(concept_groups.kinds, rows[0]) is None


def test_scores_without_identical_forms_and_their_share():
    shares = [row(0.25, *pair, setting="forms", metric="identical", model="", seed_size=0)
              for pair in (("en", "fr"), ("fr", "en"))]  # fmt: skip
    made = section(concept_groups.forms, scored("all", 0.2, 0.5), scored("identical_removed", 0.1, 0.3), shares)
    assert "identical removed" in made.pictures[0].alt
    (line,) = made.tables[0].body
    assert line[0] == "en-fr" and float(line[1]) == 25.0  # one line for both directions


def test_domains_have_the_number_of_their_concepts():
    counts = [row(value, subset="domain:music", setting=setting, metric="concepts", model="", count=value, seed_size=0)
              for setting, value in (("concepts", 30), ("test", 12))]  # fmt: skip
    made = section(concept_groups.domains, scored("all", 0.2, 0.5), scored("domain:music", 0.3, 0.4, 12), counts)
    assert "music (12)" in made.pictures[0].alt and made.tables[0].body == [["music", 30, 12]]
    assert section(concept_groups.domains, scored("all", 0.2, 0.5)) is None


def test_every_subset_in_one_table():
    made = section(concept_groups.subsets, scored("all", 0.2, 0.5), scored("loans_removed", 0.1, 0.3, 17))
    lines = {line[1]: line for line in made.tables[0].body}
    assert lines["loans_removed"][2] == 17 and float(lines["loans_removed"][4]) == 30.0
    assert lines["all"][5] is None  # no ceiling was run
    assert section(concept_groups.subsets, scored("all", 0.2, 0.5)) is None
