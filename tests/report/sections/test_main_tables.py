"""Every pair, every language, tested differences and the paper's numbers."""

from jaxalign.report.results import Results, last_layers
from jaxalign.report.sections import main_tables
from tests.report.rows import row

PAIRS = {("en", "fr"): 0.4, ("fr", "en"): 0.6}
ROWS = [
    *(row(value, *pair) for pair, value in PAIRS.items()), row(0.5),
    *(row(value / 2, *pair, setting="before", seed_size=0) for pair, value in PAIRS.items()),
    row(0.25, setting="before", seed_size=0),
    row(0.25, setting="after - before"), row(0.002, setting="after - before", metric="P@1_p"),
    row(0.1, subset="abstract - physical"), row(0.1, "en", "fr", subset="abstract - physical"),
]  # fmt: skip


def sections(make):
    results = Results(ROWS)
    return make(results, last_layers(results))


def test_a_heat_map_and_a_matrix_for_each_setting():
    section = sections(main_tables.pairs)
    assert [picture.name for picture in section.files] == ["pairs-0-before", "pairs-0-after"]
    assert "mean 50.00 %" in section.files[1].alt and len(section.folded) == 2
    assert all(table.title.startswith("vanilla: ") for table in section.folded)


def test_bars_of_each_language_to_the_hub_and_of_all():
    section = sections(main_tables.languages)
    (picture,) = section.pictures
    assert "fr-en: before 30.0, after 60.0; all: before 25.0, after 50.0." in picture.alt


def test_differences_have_their_p_value():
    (table,) = sections(main_tables.differences).tables
    by_name = {line[1]: line for line in table.body}
    assert len(by_name) == 2
    tested = next(line for name, line in by_name.items() if "abstract" not in name)
    assert [float(cell) for cell in tested[2:5]] == [25.0, 15.0, 35.0] and float(tested[5]) == 0.002
    assert next(line for name, line in by_name.items() if "abstract" in name)[5] is None


def test_without_differences_there_is_no_section():
    results = Results([row(0.5)])
    assert main_tables.differences(results, last_layers(results)) is None
    assert main_tables.paper(results, last_layers(results)) is None
