"""Loading a model: its digest, random weights, wrong arguments. Needs no torch."""

import pytest

from jaxalign import models
from jaxalign.types import InputError
from tests.models.checkpoints import QUERY, assert_same, tensors, write


def test_digest_follows_weights_and_config(tmp_path):
    found = tensors()
    found[QUERY][0, 0] += 1
    digests = {
        models.load_model(write(tmp_path / "a")).digest,
        models.load_model(write(tmp_path / "b", found)).digest,
        models.load_model(write(tmp_path / "c", rms_norm_eps=1e-6)).digest,
    }
    assert len(digests) == 3
    assert models.load_model(tmp_path / "a").digest in digests


def test_random_weights_need_config_alone(tmp_path):
    (write(tmp_path) / "model.safetensors").unlink()
    one, same, other = (models.load_model(tmp_path, weights="random", seed=seed) for seed in (0, 0, 1))
    assert_same(one, same)
    assert one.digest == same.digest != other.digest


def test_wrong_folders_and_arguments_are_named(tmp_path):
    with pytest.raises(InputError, match="config.json"):
        models.load_model(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(InputError, match="JSON"):
        models.load_model(tmp_path)
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(InputError, match="object"):
        models.load_model(tmp_path)
    folder = write(tmp_path / "model")
    with pytest.raises(InputError, match="revision"):
        models.load_model(folder, revision="main")
    with pytest.raises(InputError, match="dtype"):
        models.load_model(folder, dtype="int4")
    with pytest.raises(InputError, match="hub id"):
        models.load_model("./nowhere")
    with pytest.raises(InputError, match="weights"):
        models.load_model(folder, weights="some")
    with pytest.raises(InputError, match="--model_parallel"):
        models.load_model(folder, model_parallel=64)
