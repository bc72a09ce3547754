"""The throughput suite: rows that add up, on a folder's random weights."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from jaxalign import models
from jaxalign.concepts import dataset
from jaxalign.experiment.throughput import embed
from jaxalign.runtime import clock
from tests import tiny


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    folder = tmp_path_factory.mktemp("measure")
    config = SimpleNamespace(
        models=(str(tiny.write_model(folder / "model")),), weights="random", dtype="float32", seed=0, model_parallel=1,
        embeddings=("vanilla", "prompt"), pooling=("auto",), layers="last", batch_tokens=0, repeats=2, texts=70,
    )  # fmt: skip
    found = embed.run(config, folder, clock.Clock())
    assert [json.loads(line) for line in (folder / "embed.jsonl").read_text("utf-8").splitlines()] == found
    return found


def test_rows_add_up(rows):
    assert [row["embedding"] for row in rows] == ["vanilla", "prompt"]
    for row in rows:
        assert row["texts"] == 70 and row["tokens_computed"] < row["tokens_given"]
        assert row["padding"] == pytest.approx(1 - row["tokens_computed"] / row["slots"])
        assert row["texts_per_second"] == pytest.approx(70 / row["seconds"])
        assert row["peak_share"] == pytest.approx(row["gflops_per_second"] / row["peak_gflops_per_second"])
        assert row["seconds_low"] <= row["seconds"] <= row["seconds_high"] and row["compile_seconds"] > 0


def test_counted_work_is_two_operations_a_block_parameter(rows, tmp_path):
    """The last block is computed for the last token of each text alone; two equal texts are one."""
    raw = tiny.LLAMA
    width, mlp, kv = raw["hidden_size"], raw["intermediate_size"], raw["hidden_size"] // 2
    block = 2 * width * width + 2 * width * kv + 3 * width * mlp + 2 * width
    words = dataset.load("builtin", embed.LANGUAGES).words
    model = embed.load(str(tiny.write_model(tmp_path / "model")), "float32", "random")
    part = embed.token_rows(model, words, "vanilla", 70)
    pooled = len({tuple(row.tolist()) for row in np.split(part.ids, part.offsets[1:-1])})
    assert pooled < rows[0]["tokens_computed"]
    flops = 2 * block * ((raw["num_hidden_layers"] - 1) * rows[0]["tokens_computed"] + pooled)
    assert rows[0]["gflops_per_second"] == pytest.approx(flops / rows[0]["seconds"] / 1e9)


def test_every_published_shape_is_read():
    shapes = json.loads((embed.resources.files("jaxalign") / "data/shapes.json").read_text("utf-8"))
    assert len(shapes) >= 6
    for raw in shapes.values():
        assert models.read_config(raw).num_layers > 0
