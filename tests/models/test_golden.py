"""Every family against what transformers computed once: the proof where torch is absent (golden/make.py wrote it)."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from jaxalign import models
from jaxalign.models.families.registry import FAMILIES
from tests.models.parity import our_states

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.npz"))


@pytest.mark.parametrize("path", GOLDEN, ids=[path.stem for path in GOLDEN])
def test_every_layer(tmp_path, path):
    golden = np.load(path)
    tensors = {key.removeprefix("tensor:"): golden[key] for key in golden.files if key.startswith("tensor:")}
    save_file(tensors, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(str(golden["config"]))
    token_lists = [golden[f"tokens:{text}"].tolist() for text in range(2)]
    ours = our_states(models.load_model(tmp_path), token_lists)
    for text, tokens in enumerate(token_lists):
        positions = [position for position in golden["positions"] if position < len(tokens)]
        off = np.abs(ours[text][:, positions] - golden[f"states:{text}"]).max((1, 2))
        assert (off <= 1e-5 * golden["rms"]).all(), off / golden["rms"]


def test_every_family_has_one():
    kinds = {json.loads(str(np.load(path)["config"]))["model_type"] for path in GOLDEN}
    assert all(kinds & set(family.MODEL_TYPES) for family in FAMILIES)
