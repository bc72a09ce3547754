"""A GGUF file gives the model of the folder that it was made from: names, order of heads, norms, tied embedding."""

import numpy as np
import pytest

from jaxalign import models
from jaxalign.models.checkpoint import gguf_file
from jaxalign.types import InputError
from tests.models.checkpoints import assert_same, write
from tests.models.parity import random_tensors

gguf = pytest.importorskip("gguf")

SIZES = dict(vocab_size=31, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=64, rms_norm_eps=1e-5, rope_theta=5000.0)  # fmt: skip
KINDS = {
    "llama": dict(head_dim=8),
    "qwen3": dict(head_dim=8),
    "gemma3": dict(head_dim=8, sliding_window=5, query_pre_attn_scalar=256),
}
HUGGING_FACE = {ours: theirs for theirs, ours in gguf_file.NAMES.items()}


def write_gguf(path, kind, raw, tensors, **more):
    """Writes a GGUF file as llama.cpp's converter does: heads of Llama interleaved, norms of Gemma plus 1."""
    writer = gguf.GGUFWriter(path, kind)
    for name, ours in gguf_file.FIELDS.items():
        if ours in raw and name != "vocab_size":
            add = writer.add_float32 if isinstance(raw[ours], float) else writer.add_uint32
            add(f"{kind}.{name}", raw[ours])
    for name, value in more.items():
        add = writer.add_string if isinstance(value, str) else writer.add_float32
        add(f"{kind}.{name.replace('__', '.')}", value)
    top = {theirs: ours for ours, theirs in gguf_file.TOP.items()}
    for key, value in tensors.items():
        module, _, leaf = key.rpartition(".")
        if module in top:
            name = f"{top[module]}.{leaf}"
        else:
            _, _, layer, rest = module.split(".", 3)
            gemma = kind.startswith("gemma")
            mlp_norm = "pre_feedforward_layernorm" if gemma else "post_attention_layernorm"
            name = f"blk.{layer}.{'ffn_norm' if rest == mlp_norm else HUGGING_FACE[rest]}.{leaf}"
        if kind == "llama" and (".attn_q." in name or ".attn_k." in name):
            heads = raw["num_attention_heads"] if ".attn_q." in name else raw["num_key_value_heads"]
            value = value.reshape(heads, 2, -1, value.shape[1]).swapaxes(1, 2).reshape(value.shape)
        if kind.startswith("gemma") and "norm" in name:
            value = value + 1
        writer.add_tensor(name, value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_equals_the_folder(tmp_path, kind):
    raw = SIZES | KINDS[kind] | {"model_type": gguf_file.MODEL_TYPES[kind], "tie_word_embeddings": True}
    tensors = random_tensors(raw)
    folder = write(tmp_path / "folder", tensors, **raw)
    model = models.load_model(write_gguf(tmp_path / "model.gguf", kind, raw, tensors))
    reference = models.load_model(folder)
    assert model.config == reference.config
    if kind == "gemma3":  # (w + 1) - 1 in float32
        (mine,), (other,) = (models.hidden_states(each, [[5, 7]]) for each in (model, reference))
        np.testing.assert_allclose(mine, other, atol=1e-5 * np.abs(other).max())
    else:
        assert_same(model, reference)


def test_quantised_tensors_are_dequantised(tmp_path):
    raw = SIZES | KINDS["qwen3"] | {"model_type": "qwen3", "tie_word_embeddings": True}
    tensors = random_tensors(raw)
    path = tmp_path / "model.gguf"
    writer = gguf.GGUFWriter(path, "qwen3")
    values = tensors["model.embed_tokens.weight"]
    packed = gguf.quantize(values, gguf.GGMLQuantizationType.Q8_0)
    writer.add_tensor("token_embd.weight", packed, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    (tensor,) = gguf_file.open_reader(path).tensors
    array = np.empty((31, 32), np.float32)
    gguf_file._read_into(tensor, raw, array)
    blocks = values.reshape(31, 1, 32)
    step = np.abs(blocks).max(-1, keepdims=True) / 127  # Q8_0: a float16 scale for 32 values of 8 bits
    assert np.abs(array.reshape(blocks.shape) - blocks).max() <= 0.51 * step.max()


def test_scaled_rotation_is_read(tmp_path):
    raw = SIZES | KINDS["llama"] | {"model_type": "llama", "tie_word_embeddings": True}
    tensors = random_tensors(raw)
    options = dict(rope__scaling__type="linear", rope__scaling__factor=4.0)
    path = write_gguf(tmp_path / "m.gguf", "llama", raw, tensors, **options)
    scaling = {"rope_type": "linear", "factor": 4.0}
    assert gguf_file.read_fields(path)["rope_scaling"] == scaling
    assert models.load_model(path).config == models.read_config(raw | {"rope_scaling": scaling})


def test_what_is_not_read_is_named(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        models.load_model(tmp_path / "nothing.gguf")
    (tmp_path / "broken.gguf").write_bytes(b"GGUF" + bytes(8))
    with pytest.raises(InputError, match="broken.gguf"):
        models.load_model(tmp_path / "broken.gguf")
    path = write_gguf(tmp_path / "mamba.gguf", "mamba", SIZES, {})
    with pytest.raises(InputError, match="'mamba'"):
        models.load_model(path)
