"""Whatever is wrong with files, tensors, config or arguments is an InputError that names it. Needs no torch."""

import numpy as np
import pytest
from safetensors.numpy import save_file

from jaxalign import models
from jaxalign.types import InputError
from tests.models.checkpoints import INDEX, QUERY, edit_index, tensors, write, write_shards


def truncated(folder):
    shard = next(iter(sorted(folder.glob("model-*"))))
    shard.write_bytes(shard.read_bytes()[:-64])
    return shard.name


def missing_shard(folder):
    shard = next(iter(sorted(folder.glob("model-*"))))
    shard.unlink()
    return shard.name


def index_names_a_missing_file(folder):
    edit_index(folder, QUERY, "model-00009-of-00009.safetensors")
    return "model-00009-of-00009.safetensors"


def index_leaves_the_folder(folder):
    save_file(tensors(), folder.parent / "outside.safetensors")
    edit_index(folder, QUERY, "../outside.safetensors")
    return "'../outside.safetensors'"


def index_names_an_absolute_path(folder):
    edit_index(folder, QUERY, str(folder / "model-00001-of-00003.safetensors"))
    return "file names beside"


def index_names_a_link_out_of_the_folder(folder):
    shard = next(iter(sorted(folder.glob("model-*"))))
    shard.rename(folder.parent / "outside.safetensors")
    shard.symlink_to(folder.parent / "outside.safetensors")
    return "lie in its folder"


def index_names_a_key_its_shard_lacks(folder):
    edit_index(folder, "model.more.weight", "model-00001-of-00003.safetensors")
    return "model.more.weight"


def index_is_no_json(folder):
    (folder / INDEX).write_text("{")
    return "weight_map"


def index_without_map(folder):
    (folder / INDEX).write_text("[1]")
    return "weight_map"


def no_weights(folder):
    for path in folder.glob("model*"):
        path.unlink()
    return "pytorch_model.bin"


@pytest.mark.parametrize(
    "damage",
    [truncated, missing_shard, index_names_a_missing_file, index_leaves_the_folder, index_names_an_absolute_path,
     index_names_a_link_out_of_the_folder, index_names_a_key_its_shard_lacks, index_is_no_json, index_without_map,
     no_weights],
)  # fmt: skip
def test_damaged_files_are_named(tmp_path, damage):
    folder = write_shards(tmp_path / "model")
    models.load_model(folder)
    name = damage(folder)
    with pytest.raises(InputError) as caught:
        models.load_model(folder)
    assert name in str(caught.value)


def change(key, value):
    found = tensors()
    found.pop(key, None) if value is None else found.update({key: value})
    return found


def poisoned(value):
    found = tensors()
    found[QUERY][3, 2] = value
    return found


@pytest.mark.parametrize(
    ("found", "name"),
    [
        (change(QUERY, None), QUERY.removeprefix("model.")),
        (change("model.layers.0.adapter.weight", np.zeros(2, np.float32)), "model.layers.0.adapter.weight"),
        (change("model.layers.3.input_layernorm.weight", np.zeros(16, np.float32)), "model.layers.3.input_layernorm"),
        (change(QUERY, np.zeros((16, 15), np.float32)), QUERY),
        (change(QUERY, np.zeros(16, np.float32)), QUERY),
        (change("model.norm.weight", np.zeros((16, 1), np.float32)), "model.norm.weight"),
        (change(QUERY, np.zeros((16, 16), np.int8)), "got I8"),
        (poisoned(np.nan), QUERY),
        (poisoned(-np.inf), QUERY),
    ],
    ids=["missing", "unknown", "layer-too-many", "shape", "rank", "norm-shape", "int8", "nan", "infinity"],
)
def test_wrong_tensors_are_named(tmp_path, found, name):
    with pytest.raises(InputError) as caught:
        models.load_model(write(tmp_path, found))
    assert name in str(caught.value)


def test_overflow_of_a_cast_is_named(tmp_path):
    folder = write(tmp_path, poisoned(1e5))
    models.load_model(folder)
    with pytest.raises(InputError, match=QUERY):
        models.load_model(folder, dtype="float16")


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        (dict(hidden_size=None), "hidden_size"),
        (dict(rms_norm_eps=0), "rms_norm_eps"),
        (dict(vocab_size="many"), "vocab_size"),
        (dict(num_hidden_layers=0), "num_hidden_layers"),
        (dict(num_key_value_heads=3), "num_key_value_heads"),
        (dict(hidden_act="sine"), "sine"),
        (dict(model_type="mamba"), "cohere2"),
        (dict(model_type=None), "llama"),
        (dict(rope_scaling=dict(type="longrope", factor=2.0)), "short_factor"),
        (dict(rope_parameters=dict(rope_type="ntk", factor=2.0)), "ntk"),
        (dict(rope_parameters=dict(rope_type="yarn", factor=2.0, mystery=1)), "mystery"),
        (dict(rope_scaling=dict(rope_type="llama3", factor=2.0)), "low_freq_factor"),
        (dict(rope_scaling=dict(type="linear", factor="x")), "factor"),
        (dict(partial_rotary_factor=1.5), "partial_rotary_factor"),
        (dict(rope_theta=-1), "rope_theta"),
        (dict(rope_theta=["x"]), "rope_theta"),
        (dict(rope_scaling="x"), "rope parameters"),
        (dict(hidden_act=["silu"]), "another form"),
        (dict(num_hidden_layers=1.5), "num_layers"),
        (dict(hidden_size=10**12), "another form"),
        (dict(model_type=["llama"]), "model_type"),
    ],
)
def test_wrong_configs_are_named(tmp_path, changes, name):
    with pytest.raises(InputError) as caught:
        models.load_model(write(tmp_path, **changes))
    assert name in str(caught.value)


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
