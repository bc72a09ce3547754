"""Loading: files of every form give the same model, and whatever is wrong with them is named. Needs no torch."""

import json
import shutil
import sys

import jax
import ml_dtypes
import numpy as np
import pytest
from parity import random_tensors
from safetensors.numpy import load_file, save_file

from jaxalign import models
from jaxalign.models import cache
from jaxalign.types import InputError

CONFIG = dict(
    model_type="llama", vocab_size=31, hidden_size=16, intermediate_size=24, num_hidden_layers=3,
    num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64, rms_norm_eps=1e-5, rope_theta=10000.0,
)  # fmt: skip
QUERY = "model.layers.1.self_attn.q_proj.weight"
INDEX = "model.safetensors.index.json"


def tensors(dtype=np.float32):
    return random_tensors(CONFIG, dtype) | {"lm_head.weight": np.zeros((31, 16), dtype)}


def write(folder, found=None, **changes):
    folder.mkdir(exist_ok=True)
    fields = {name: value for name, value in (CONFIG | changes).items() if value is not None}
    (folder / "config.json").write_text(json.dumps(fields))
    save_file(found or tensors(), folder / "model.safetensors")
    return folder


def write_shards(folder, parts=3):
    found = tensors()
    write(folder)
    (folder / "model.safetensors").unlink()
    names = {
        key: f"model-{place % parts + 1:05d}-of-{parts:05d}.safetensors" for place, key in enumerate(sorted(found))
    }
    for name in set(names.values()):
        save_file({key: found[key] for key in found if names[key] == name}, folder / name)
    (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": names}))
    return folder


def edit_index(folder, key, shard):
    index = json.loads((folder / INDEX).read_text())
    index["weight_map"][key] = shard
    (folder / INDEX).write_text(json.dumps(index))


def assert_same(one, two):
    assert jax.tree.structure(one.params) == jax.tree.structure(two.params)
    for a, b in zip(jax.tree.leaves(one.params), jax.tree.leaves(two.params), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


def test_leaves_hold_the_checkpoint(tmp_path):
    found, model = tensors(), models.load(write(tmp_path))
    kernel = np.asarray(model.params["blocks"]["attention"]["query"]["kernel"])
    np.testing.assert_array_equal(kernel[1], found[QUERY].T)
    np.testing.assert_array_equal(model.params["embed"]["tokens"]["embedding"], found["model.embed_tokens.weight"])


def test_shards_equal_one_file(tmp_path):
    one, many = models.load(write(tmp_path / "one")), models.load(write_shards(tmp_path / "many"))
    assert_same(one, many)
    assert one.digest == many.digest


def test_keys_without_the_prefix(tmp_path):
    bare = {key.removeprefix("model."): value for key, value in tensors().items()}
    assert_same(models.load(write(tmp_path / "one")), models.load(write(tmp_path / "bare", bare)))


def test_digest_follows_weights_and_config(tmp_path):
    found = tensors()
    found[QUERY][0, 0] += 1
    digests = {
        models.load(write(tmp_path / "a")).digest,
        models.load(write(tmp_path / "b", found)).digest,
        models.load(write(tmp_path / "c", rms_norm_eps=1e-6)).digest,
    }
    assert len(digests) == 3
    assert models.load(tmp_path / "a").digest in digests


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_dtype_is_cast_from_the_files_own(tmp_path, dtype):
    found = tensors(ml_dtypes.bfloat16)
    model = models.load(write(tmp_path, found), dtype=dtype)
    assert {str(leaf.dtype) for leaf in jax.tree.leaves(model.params)} == {dtype}
    kernel = np.asarray(model.params["blocks"]["attention"]["query"]["kernel"])[1]
    np.testing.assert_array_equal(kernel, found[QUERY].T.astype(dtype))


def test_cache_gives_the_same_model_without_the_weights(tmp_path):
    folder = write(tmp_path / "model")
    made = models.load(folder, dtype="bfloat16", cache_dir=tmp_path / "cache")
    (entry,) = (tmp_path / "cache").iterdir()
    stamp = entry.stat().st_mtime_ns
    again = models.load(folder, dtype="bfloat16", cache_dir=tmp_path / "cache")
    assert_same(made, again)
    assert (made.digest, stamp) == (again.digest, entry.stat().st_mtime_ns)
    write(folder, {key: value + 1 for key, value in tensors().items()})
    changed = models.load(folder, dtype="bfloat16", cache_dir=tmp_path / "cache")
    assert changed.digest != made.digest
    shutil.rmtree(entry / "params")
    with pytest.raises(InputError, match="Delete that folder"):
        cache.restore(entry, models.abstract(made.config), None)


def test_random_weights_need_config_alone(tmp_path):
    (write(tmp_path) / "model.safetensors").unlink()
    one, same, other = (models.load(tmp_path, weights="random", seed=seed) for seed in (0, 0, 1))
    assert_same(one, same)
    assert one.digest == same.digest != other.digest


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
     index_names_a_key_its_shard_lacks, index_is_no_json, index_without_map, no_weights],
)  # fmt: skip
def test_damaged_files_are_named(tmp_path, damage):
    folder = write_shards(tmp_path / "model")
    models.load(folder)
    name = damage(folder)
    with pytest.raises(InputError) as caught:
        models.load(folder)
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
        models.load(write(tmp_path, found))
    assert name in str(caught.value)


def test_overflow_of_a_cast_is_named(tmp_path):
    folder = write(tmp_path, poisoned(1e5))
    models.load(folder)
    with pytest.raises(InputError, match=QUERY):
        models.load(folder, dtype="float16")


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        (dict(hidden_size=None), "hidden_size"),
        (dict(rms_norm_eps=None), "rms_norm_eps"),
        (dict(vocab_size="many"), "vocab_size"),
        (dict(num_hidden_layers=0), "num_hidden_layers"),
        (dict(num_key_value_heads=3), "num_key_value_heads"),
        (dict(hidden_act="sine"), "sine"),
        (dict(model_type="mamba"), "cohere2"),
        (dict(model_type=None), "llama"),
        (dict(rope_scaling=dict(type="longrope", factor=2.0)), "longrope"),
        (dict(rope_parameters=dict(rope_type="yarn", factor=2.0)), "yarn"),
        (dict(rope_scaling=dict(rope_type="llama3", factor=2.0)), "low_freq_factor"),
        (dict(rope_scaling=dict(type="linear", factor="x")), "factor"),
        (dict(partial_rotary_factor=0.5), "partial_rotary_factor"),
    ],
)
def test_wrong_configs_are_named(tmp_path, changes, name):
    with pytest.raises(InputError) as caught:
        models.load(write(tmp_path, **changes))
    assert name in str(caught.value)


def test_wrong_folders_and_arguments_are_named(tmp_path):
    with pytest.raises(InputError, match="config.json"):
        models.load(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(InputError, match="JSON"):
        models.load(tmp_path)
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(InputError, match="object"):
        models.load(tmp_path)
    folder = write(tmp_path / "model")
    with pytest.raises(InputError, match="revision"):
        models.load(folder, revision="main")
    with pytest.raises(InputError, match="dtype"):
        models.load(folder, dtype="int4")
    with pytest.raises(InputError, match="hub id"):
        models.load("./nowhere")
    with pytest.raises(InputError, match="weights"):
        models.load(folder, weights="some")
    with pytest.raises(InputError, match="--model_parallel"):
        models.load(folder, model_parallel=64)


def to_bin(folder):
    torch = pytest.importorskip("torch")
    found = {key: torch.from_numpy(value) for key, value in load_file(folder / "model.safetensors").items()}
    torch.save(found, folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    return folder


def test_bin_equals_safetensors(tmp_path):
    assert_same(models.load(write(tmp_path / "one")), models.load(to_bin(write(tmp_path / "bin"))))


def test_bin_runs_no_code(tmp_path):
    torch = pytest.importorskip("torch")
    marker = tmp_path / "ran"

    class Evil:
        def __reduce__(self):
            return (open, (str(marker), "w"))

    folder = to_bin(write(tmp_path / "model"))
    torch.save({QUERY: Evil()}, folder / "pytorch_model.bin")
    with pytest.raises(InputError, match="tensors alone"):
        models.load(folder)
    assert not marker.exists()


def test_bin_without_torch_names_the_extra(tmp_path, monkeypatch):
    folder = write(tmp_path)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(InputError, match=r"jaxalign\[parity\]"):
        models.load(folder)
