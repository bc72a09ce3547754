"""Results are written whole in both forms, come back as they were, and damaged files are refused."""

import pytest

from jaxalign.report import files
from jaxalign.types import InputError
from tests.report.runs import make


def test_both_forms_hold_the_same_rows(tmp_path):
    rows = make(tmp_path)
    assert files.read_rows(tmp_path / "results.parquet") == files.read_rows(tmp_path / "results.jsonl") == rows
    assert [list(row) for row in files.read_rows(tmp_path)] == [list(row) for row in rows]
    size = {name: (tmp_path / name).stat().st_size for name in ("results.parquet", "results.jsonl")}
    assert size["results.parquet"] < size["results.jsonl"] / 10


def test_the_table_is_read_where_both_are_there_and_the_lines_where_not(tmp_path):
    rows = make(tmp_path)
    files.write_rows(tmp_path / "results.jsonl", rows[:3])
    assert files.read_rows(tmp_path) == rows
    (tmp_path / "results.parquet").unlink()
    assert files.read_rows(tmp_path) == rows[:3]


def test_the_run_of_joined_rows_is_kept(tmp_path):
    rows = [row | {"run": "one"} for row in make(tmp_path / "run")]
    files.write_results(tmp_path, rows)
    assert files.read_rows(tmp_path) == rows


@pytest.mark.parametrize("name", ["results.parquet", "results.jsonl"])
def test_a_number_that_is_not_finite_is_refused(tmp_path, name):
    row = make(tmp_path / "run")[0]
    with pytest.raises(ValueError):
        files.write_rows(tmp_path / name, [row | {"value": float("inf")}])
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("damage", [b"", b"PAR1", b"PAR1" + bytes(100) + b"PAR1"])
def test_a_damaged_table_is_refused(tmp_path, damage):
    make(tmp_path)
    (tmp_path / "results.parquet").write_bytes(damage)
    with pytest.raises(InputError, match="Parquet"):
        files.read_rows(tmp_path)


def test_a_table_of_other_things_is_refused(tmp_path):
    pyarrow = pytest.importorskip("pyarrow.parquet")
    import pyarrow as arrow

    pyarrow.write_table(arrow.table({"a": [1]}), tmp_path / "results.parquet")
    with pytest.raises(InputError, match="columns"):
        files.read_rows(tmp_path)


def test_the_lines_hold_the_main_rows_of_a_large_run(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_FEW", 10)
    rows = make(tmp_path)
    lines = files.read_rows(tmp_path / "results.jsonl")
    assert files.read_rows(tmp_path) == rows and 0 < len(lines) < len(rows) / 4
    assert all((row["source"] == "mean") == (row["target"] == "mean") for row in lines)
    means = [row for row in rows if row["source"] == row["target"] == "mean"]
    pairs = [row for row in rows if "mean" not in (row["source"], row["target"])]
    main = [row for row in pairs if row["metric"] == "P@1" and row["subset"] == "all"]
    assert [row for row in lines if row["source"] == "mean"] == means
    assert [row for row in lines if row["source"] != "mean"] == main


def test_a_difference_of_models_with_other_layers_is_a_row_of_the_table_without_a_layer():
    row = dict(model="a - b", layer="24 - 12", source="mean", target="mean", setting="after - after", metric="P@1",
               subset="all", value=0.1, low=0.0, high=0.2, count=40, seed_size=9)  # fmt: skip
    (read,) = files.unpacked_rows(files.packed_rows([row]))
    assert read["layer"] is None and (read["model"], read["value"], read["seed_size"]) == ("a - b", 0.1, 9)
