"""Curves over seed sizes, and how linear each template's spaces are."""

from jaxalign.report.results import Results, last_layers
from jaxalign.report.sections import sweeps
from tests.report.rows import row


def test_seed_sizes_have_a_curve_with_its_null():
    sizes = {10: 0.2, 20: 0.3, 40: 0.5}
    rows = [row(value, seed_size=size) for size, value in sizes.items()]
    rows += [row(0.01, seed_size=size, setting="null") for size in sizes]
    results = Results(rows)
    section = sweeps.seeds(results, last_layers(results))
    assert "from 20.0 to 50.0" in section.pictures[0].alt and "(dashed): from 1.0 to 1.0" in section.pictures[0].alt
    shown = [(line[1], line[2], float(line[3])) for line in section.folded[0].body]
    assert shown[:3] == [("after", 10, 20.0), ("after", 20, 30.0), ("after", 40, 50.0)] and len(shown) == 6
    one = Results([row(0.2)])
    assert sweeps.seeds(one, last_layers(one)) is None


def test_templates_show_what_the_map_adds_and_reaches():
    rows = []
    for name, (before, after, ceiling) in {"paper": (0.2, 0.4, 0.8), "short": (0.1, 0.3, 0.5)}.items():
        rows += [row(value, embedding=f"prompt:{name}", setting=setting)
                 for setting, value in (("before", before), ("after", after), ("ceiling", ceiling))]  # fmt: skip
    two = Results(rows)
    assert sweeps.templates(two, last_layers(two)) is None  # two ways to embed are no comparison of templates
    rows += [row(value, setting=setting) for setting, value in (("before", 0.3), ("after", 0.5), ("ceiling", 0.5))]
    results = Results(rows)
    section = sweeps.templates(results, last_layers(results))
    lines = {line[0]: [float(cell) for cell in line[1:]] for line in section.tables[0].body}
    assert lines["prompt:paper"] == [20.0, 40.0, 80.0, 20.0, 0.5] and lines["vanilla"][4] == 1.0
    assert "after / ceiling" in section.pictures[0].alt
