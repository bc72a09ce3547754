"""A tiny Llama checkpoint on disk, whole or in shards, without torch; and equality of loaded models."""

import json

import jax
import numpy as np
from safetensors.numpy import save_file

from tests.models.parity import random_tensors

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


def change(key, value):
    """The tensors with another one at `key`, or without it."""
    found = tensors()
    found.pop(key, None) if value is None else found.update({key: value})
    return found


def poisoned(value):
    """The tensors with one number of the queries that is not usual."""
    found = tensors()
    found[QUERY][3, 2] = value
    return found
