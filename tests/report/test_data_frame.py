"""A run's results as a pandas DataFrame: every row and column of the file, with the types of the columns."""

import sys

import pytest

from jaxalign import report
from jaxalign.metrics.rows import COLUMNS
from jaxalign.types import InputError
from tests.report.runs import make

pandas = pytest.importorskip("pandas")


def test_the_frame_holds_every_row(tmp_path):
    rows = make(tmp_path)
    frame = report.read_results(tmp_path)
    assert list(frame.columns) == list(COLUMNS) and len(frame) == len(rows)
    assert frame.to_dict("records") == rows
    pandas.testing.assert_frame_equal(frame, report.read_results(tmp_path / "results.jsonl"))


def test_a_folder_without_results_is_refused(tmp_path):
    with pytest.raises(InputError, match="finished run"):
        report.read_results(tmp_path)


def test_a_missing_pandas_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(InputError, match=r"jaxalign\[tables\]"):
        report.read_results(tmp_path)
