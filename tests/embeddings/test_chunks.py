"""Chunks of an entry: written, committed, read by layer; what is damaged or follows another plan counts as missing."""

import json

import numpy as np
import pytest

from jaxalign.embeddings import chunks

VECTORS = np.random.default_rng(0).standard_normal((2, 5, 3)).astype(np.float32)


@pytest.fixture
def entry(tmp_path):
    """A folder with a plan and chunk 1 of layers 0 and 7."""
    (tmp_path / "plan.json").write_text("{}")
    chunks.write_chunk(tmp_path, 1, (0, 7), VECTORS)
    return tmp_path


def test_a_chunk_is_read_layer_by_layer(entry):
    assert chunks.vector_count(entry, 1) == 5
    for layer, expected in zip((0, 7), VECTORS, strict=True):
        np.testing.assert_array_equal(chunks.read_layer_of_chunk(entry, 1, layer), expected)
    assert chunks.committed(entry, 3) == [1]


def test_the_same_vectors_are_the_same_bytes(entry, tmp_path):
    folder = chunks.chunk_folder(entry, 1)
    commit = folder.with_suffix(".json").read_text()
    leaves = {file: file.read_bytes() for file in folder.rglob("0.0")}
    chunks.write_chunk(entry, 1, (0, 7), VECTORS)
    assert len(leaves) == 2 and all(file.read_bytes() == data for file, data in leaves.items())
    assert json.loads(commit)["vectors"] == 5


@pytest.mark.parametrize("harm", ["value", "file", "commit", "plan"])
def test_what_is_not_as_committed_counts_as_missing(entry, caplog, harm):
    folder = chunks.chunk_folder(entry, 1)
    leaf = next(iter(folder.rglob("0.0")))
    if harm == "value":
        leaf.write_bytes(bytes([leaf.read_bytes()[0] ^ 1]) + leaf.read_bytes()[1:])
    elif harm == "file":
        leaf.unlink()
    elif harm == "commit":
        folder.with_suffix(".json").write_text("{")
    else:
        (entry / "plan.json").write_text('{"rows": 2}')
    assert chunks.committed(entry, 2) == [] and "is damaged and will be made again" in caplog.text
    assert not folder.with_suffix(".json").exists()
    chunks.write_chunk(entry, 1, (0, 7), VECTORS)
    assert chunks.committed(entry, 2) == [1]
