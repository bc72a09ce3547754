"""The figures of the explorer: whole numbers in the order of the pairs, the most looked-at first."""

import base64
import gzip
import json

from jaxalign.report.page import explorer_data
from jaxalign.report.results import Results
from tests.report.rows import row

CODES = ["en", "fr"]
ROWS = [
    row(0.25, "en", "fr", setting="before", seed_size=0, metric="MRR"), row(0.25, "en", "fr"),
    row(0.5, "fr", "en", low=None, high=None), row(0.375), row(0.1, "en", "fr", metric="P@1_ties"),
]  # fmt: skip


def test_matrices_hold_the_rows_as_whole_numbers():
    data = explorer_data.explorer_data(Results(ROWS), {}, CODES, None)
    after = next(cell for cell in data["cells"] if cell[1] == "after")
    series, setting, size, subset, metric, values, lows, highs, counts, mean = after
    assert (series, setting, size, subset, metric, counts) == (0, "after", 20, "all", "P@1", 40)
    unit = values[0] / 0.25
    assert values == [0.25 * unit, 0.5 * unit] and all(isinstance(value, int) for value in values)
    assert lows[1] is None and abs(lows[0] - 0.15 * unit) <= 1 and abs(highs[0] - 0.35 * unit) <= 1
    assert mean[0] == round(0.375 * unit)
    assert data["cells"][0] is after  # P@1 before other metrics
    assert all(cell[4] != "P@1_ties" for cell in data["cells"]) and data["left_out"] == 0
    assert data["series"] == [["thing-1b", "vanilla", "last", 4, "csls", 10, "all", "drop"]]
    assert explorer_data.explorer_data(Results([]), {}, CODES, None) is None


def test_the_packed_data_come_back():
    data = {"words": ["犬", "<b>"]}
    assert json.loads(gzip.decompress(base64.b64decode(explorer_data.packed(data)))) == data
    assert explorer_data.packed(data) == explorer_data.packed(data)


def test_alike_languages_stand_next_to_each_other():
    codes = ["en", "fi", "fr", "et"]
    alike = {frozenset(("en", "fr")), frozenset(("fi", "et"))}
    rows = [row(0.9 if frozenset((a, b)) in alike else 0.1, a, b) for a in codes for b in codes if a != b]
    results = Results(rows)
    order = explorer_data.clustered(results, results.series()[0])
    assert sorted(order) == sorted(codes)
    assert {frozenset(order[:2]), frozenset(order[2:])} == alike
    assert explorer_data.clustered(results, None) == codes
