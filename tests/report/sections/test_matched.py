"""Matched samples: both kinds, their difference with its test, and how alike the samples are."""

from jaxalign.report.results import Results, last_layers
from jaxalign.report.sections.matched import matched
from tests.report.rows import row

GROUPS = {"abstract": 0.4, "physical": 0.6, "physical_down": 0.55, "abstract_matched_tokens": 0.5,
          "physical_matched_tokens": 0.52}  # fmt: skip
ROWS = [row(value, subset=subset, count=12) for subset, value in {"all": 0.5, **GROUPS}.items()]
TESTED = [
    row(-0.02, subset="abstract_matched_tokens - physical_matched_tokens"),
    row(0.3, subset="abstract_matched_tokens - physical_matched_tokens", metric="P@1_p"),
    row(0.04, setting="balance", subset="abstract_matched_tokens - physical_matched_tokens", seed_size=0,
        metric="difference_tokens", count=12),
]  # fmt: skip


def test_each_sample_has_a_line():
    results = Results(ROWS + TESTED)
    section = matched(results, last_layers(results))
    lines = {line[1]: line for line in section.tables[0].body}
    assert list(lines) == ["as it is", "down-sampled", "matched: tokens"]
    assert [float(cell) for cell in lines["as it is"][3:6]] == [40.0, 60.0, -20.0] and lines["as it is"][8] is None
    tokens = lines["matched: tokens"]
    assert [round(float(cell), 6) for cell in tokens[3:8]] == [50.0, 52.0, -2.0, -12.0, 8.0] and float(tokens[8]) == 0.3
    assert section.tables[1].body == [["thing-1b", "matched: tokens", "tokens", 12, 0.04]]
    assert "points of P@1" in section.pictures[0].alt and len(section.pictures) == 2


def test_without_matched_samples_there_is_no_section():
    results = Results(ROWS[:4])
    assert matched(results, last_layers(results)) is None
