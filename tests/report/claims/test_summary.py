"""Verdicts in words and as JSON."""

import json

from jaxalign.report.claims import summary
from jaxalign.report.claims.claim_file import Claim, SideSpec
from jaxalign.report.claims.verdicts import judge
from tests.report.claims.planted import finished

NEAR = Claim("near", "Near languages align better.", "", 0.0, SideSpec(pairs=("fr-en",)), SideSpec(pairs=("fi-en",)))
GONE = Claim("gone", "", "", 0.0, SideSpec(layer="9"), SideSpec())


def test_text_and_records():
    chances = lambda model, setting, source, target, kind: 0.8 if source == "fr" else 0.2  # noqa: E731
    verdicts = [judge(claim, finished(chances), 199) for claim in (NEAR, GONE)]
    text = summary.text(verdicts)
    assert "near: holds. Near languages align better." in text and "does not move it" in text
    assert "gone: cannot be told." in text and "layer 9" in text
    near, gone = (json.loads(json.dumps(summary.record(verdict))) for verdict in verdicts)
    assert near["verdict"] == "holds" and near["low"] > 0 and near["null"]["low"] < near["null"]["high"]
    assert {one["name"] for one in near["confounds"]} == {"identical words", "loans"}
    assert gone["reason"] and "value" not in gone
    assert summary.table(verdicts).body[1][2:] == [None] * 7


def test_markdown_and_what_each_model_gave():
    verdicts = [judge(claim, finished(lambda *_: 0.5), 199) for claim in (NEAR, GONE)]
    made = summary.markdown(verdicts, verdicts[1:])
    assert "**near: cannot be told.** Near languages align better." in made and "- loans: " in made
    assert made.count("| claim |") == 2 and "- gone: m-1b has no ranks of vanilla, layer 9" in made
    assert "Each model and embedding alone" in summary.text(verdicts, verdicts[1:])
