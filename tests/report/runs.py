"""Synthetic runs written to a folder, for the tests of the report."""

import json
from pathlib import Path

import numpy as np

from jaxalign import report
from jaxalign.metrics import precision, retrieval_errors
from jaxalign.types import SpaceLabel
from tests.planted import replaced, study

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
        label, masks = SpaceLabel(model, embedding, "last", layer), {"identical_removed": np.arange(40) % 3 > 0}
        given = dict(concepts=concepts, languages=languages)
        split = study(seed=split_seed, **given).split
        made = study(seed=seed + layer, label=label, subsets=masks, **given)._replace(split=split)
        tables, listed = made.ranks.tables, made.concepts
        made = replaced(made, *tables, *(tables[1]._replace(setting=name) for name in ("ceiling", "null")))
        rows += precision.rows(made, bootstrap=50)
        wrong += retrieval_errors.errors(made, tables[1])
    for record in wrong:
        record["sample"][0][2] = EVIL
    words = listed.words | ({"ja": tuple("犬" for _ in listed.ids)} if "ja" in languages else {})
    listed = listed._replace(words=words)
    report.write(folder, rows + list(extra.get("rows", ())), concepts=listed, split=split, wrong=wrong,
                 environment={"device_kind": EVIL}, settings={"models": (model,)} | extra.get("settings", {}),
                 timing=[{"phase": "embed", "seconds": 1.5}])  # fmt: skip
    (Path(folder) / "split.json").write_text(json.dumps(split._asdict()), encoding="utf-8")
    return rows


def save_ranks(folder, model, seed):
    """ranks.npz as a run keeps it."""
    outcomes = study(languages=("en", "fr", "ja"), seed=seed).ranks.tables
    keys = {f"{model}|vanilla|last|4|csls|{o.setting}|{o.seed_size}|0|0": o.rank for o in outcomes}
    np.savez(folder / "ranks.npz", **keys)
    return outcomes


def make_with_ranks(folder):
    """A run of one model that keeps its ranks; returns its folder."""
    make(folder, model="lab/thing-1b")
    save_ranks(folder, "lab/thing-1b", 4)
    return folder
