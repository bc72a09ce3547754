"""What the page's buttons copy is what the command exports."""

import json

from jaxalign import export
from jaxalign.report import facts, files
from jaxalign.report.export import tables
from jaxalign.report.page import exports
from jaxalign.report.results import Results
from tests.report.runs import make


def test_every_form_is_there_and_says_the_same_as_the_command(tmp_path):
    rows = make(tmp_path / "run")
    extras = files.read_extras(tmp_path / "run")
    made = {one.form: one for one in exports.exports(Results(rows), extras)}
    assert set(made) == {*export.TEXTS, *export.FOLDERS}
    assert made["csv"].text == tables.as_csv(rows) and made["latex"].text == tables.as_latex(rows)
    written = export.write_folder(tmp_path / "run", "mteb", tmp_path / "out")
    assert made["mteb"].text == written[0].read_text(encoding="utf-8")
    record = json.loads(made["every-eval-ever"].text)
    names = {result["evaluation_name"] for result in record["evaluation_results"]}
    assert "P@1 after mean" in names and "detailed_evaluation_results" not in record
    assert exports._DATASET in made["hf-eval"].text and extras["made"] > 1.7e9


def test_without_a_time_dated_forms_are_left_out_and_long_tables_keep_their_last_layers(tmp_path, monkeypatch):
    rows = make(tmp_path, layers=(0, 4))
    extras = {name: value for name, value in files.read_extras(tmp_path).items() if name != "made"}
    monkeypatch.setattr(exports, "_ROWS", 100)
    made = {one.form: one for one in exports.exports(Results(rows), extras)}
    assert set(made) == {*export.TEXTS, "mteb"}
    layers = {line.split(",")[3] for line in made["csv"].text.splitlines()[1:]}
    assert layers == {"4"} and exports.exports(Results([]), {}) == []
    assert facts.read_runs([tmp_path])[0].rows == rows
