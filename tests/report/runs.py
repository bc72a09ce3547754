"""Synthetic runs written to a folder, for the tests of the report."""

import json
from pathlib import Path

import numpy as np

from jaxalign import report
from jaxalign.metrics import precision, retrieval_errors
from jaxalign.types import SpaceLabel
from tests.planted import study

EVIL = '<script>alert("x")</script>'


def make(
    folder,
    model="demo",
    embedding="vanilla",
    layers=(4,),
    seed=0,
    languages=("en", "fr", "ja"),
    split_seed=0,
    concepts=60,
    **extra,
):
    """A synthetic run of a few pairs, with a hostile word, written to `folder`; returns its rows.

    `seed` moves the ranks, `split_seed` the split.
    """
    rows, wrong = [], []
    for layer in layers:
        languages, listed, split, outcomes = study(concepts=concepts, languages=languages, seed=seed + layer)
        split = study(concepts=concepts, languages=languages, seed=split_seed)[2]
        outcomes += [outcomes[1]._replace(setting=name) if hasattr(outcomes[1], "_replace") else _as(outcomes[1], name)
                     for name in ("ceiling", "null")]  # fmt: skip
        label = SpaceLabel(model, embedding, "last", layer)
        masks = {"identical_removed": np.arange(40) % 3 > 0}
        rows += precision.rows(label, outcomes, listed, split, languages, subsets=masks, bootstrap=50)
        wrong += retrieval_errors.errors(label, outcomes[1], listed, split, languages)
    for record in wrong:
        record["sample"][0][2] = EVIL
    words = listed.words | ({"ja": tuple("犬" for _ in listed.ids)} if "ja" in languages else {})
    listed = listed._replace(words=words)
    report.write(folder, rows + list(extra.get("rows", ())), concepts=listed, split=split, wrong=wrong,
                 environment={"device_kind": EVIL}, settings={"models": (model,)} | extra.get("settings", {}),
                 timing=[{"phase": "embed", "seconds": 1.5}])  # fmt: skip
    (Path(folder) / "split.json").write_text(json.dumps(split._asdict()), encoding="utf-8")
    return rows


def _as(outcome, setting):
    return type(outcome)(**vars(outcome) | {"setting": setting})
