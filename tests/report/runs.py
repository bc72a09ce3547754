"""Synthetic runs written to a folder, for the tests of the report."""

import numpy as np

from jaxalign import report
from jaxalign.metrics import precision
from jaxalign.types import SpaceLabel
from tests.planted import study

EVIL = '<script>alert("x")</script>'


def make(folder, model="demo", embedding="vanilla", layers=(4,), seed=0, languages=("en", "fr", "ja"), **extra):
    """A synthetic run of a few pairs, with a hostile word, written to `folder`; returns its rows."""
    rows, wrong = [], []
    for layer in layers:
        languages, concepts, split, outcomes = study(languages=languages, seed=seed + layer)
        outcomes += [outcomes[1]._replace(setting=name) if hasattr(outcomes[1], "_replace") else _as(outcomes[1], name)
                     for name in ("ceiling", "null")]  # fmt: skip
        label = SpaceLabel(model, embedding, "last", layer)
        masks = {"identical_removed": np.arange(40) % 3 > 0}
        rows += precision.rows(label, outcomes, concepts, split, languages, subsets=masks, bootstrap=50)
        wrong += precision.wrong(label, outcomes[1], concepts, split, languages, limit=3)
    wrong[0]["found"] = EVIL
    words = concepts.words | {"ja": tuple("犬" for _ in concepts.ids)}
    concepts = concepts._replace(words=words)
    report.write(folder, rows + list(extra.get("rows", ())), concepts=concepts, split=split, wrong=wrong,
                 environment={"device_kind": EVIL}, settings={"models": (model,)},
                 timing=[{"phase": "embed", "seconds": 1.5}])  # fmt: skip
    return rows


def _as(outcome, setting):
    return type(outcome)(**vars(outcome) | {"setting": setting})
