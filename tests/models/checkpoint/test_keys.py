"""Keys of a checkpoint: prefixes, heads, tied embeddings; missing, unknown and quantised ones are named."""

import shutil

import numpy as np
import pytest

from jaxalign import models
from jaxalign.types import InputError
from tests.models.checkpoints import QUERY, assert_same, change, poisoned, tensors, write


def test_keys_without_the_prefix(tmp_path):
    bare = {key.removeprefix("model."): value for key, value in tensors().items()}
    assert_same(models.load_model(write(tmp_path / "one")), models.load_model(write(tmp_path / "bare", bare)))


EMBEDDING = "model.embed_tokens.weight"


def test_a_tied_checkpoint_with_only_the_output_embedding(tmp_path):
    plain = tensors()
    tied = {key: value for key, value in plain.items() if key != EMBEDDING} | {"lm_head.weight": plain[EMBEDDING]}
    one = models.load_model(write(tmp_path / "plain", plain))
    assert_same(one, models.load_model(write(tmp_path / "tied", tied, tie_word_embeddings=True)))
    with pytest.raises(InputError, match="embed_tokens"):
        models.load_model(write(tmp_path / "untied", tied, tie_word_embeddings=False))


@pytest.mark.parametrize(
    "head",
    ["score.weight", "classifier.weight", "classifier.out_proj.bias", "v_head.summary.weight", "value_head.weight",
     "classification_head.dense.weight", "lm_head.bias", "model.score.weight", "regression_head.weight"],
)  # fmt: skip
def test_heads_are_ignored_in_every_family(tmp_path, head):
    found = tensors() | {head: np.ones((2, 16), np.float32)}
    assert_same(models.load_model(write(tmp_path / "a")), models.load_model(write(tmp_path / "b", found)))


@pytest.mark.parametrize(
    ("keys", "fields", "name"),
    [
        (["qweight", "qzeros", "scales", "g_idx"], {}, "GPTQ or AWQ"),
        (["weight_scale_inv"], {}, "FP8"),
        (["weight.absmax", "weight.quant_state.bitsandbytes__nf4"], {}, "bitsandbytes"),
        (["weight.absmax"], {"quantization_config": {"quant_method": "bitsandbytes"}}, "bitsandbytes"),
        ([], {"quantization_config": {"quant_method": "gptq", "bits": 4}}, "gptq"),
    ],
)
def test_quantised_checkpoints_are_named_as_such(tmp_path, keys, fields, name):
    found = tensors() | {QUERY.replace("weight", key): np.zeros((4, 4), np.int32) for key in keys}
    with pytest.raises(InputError, match=name) as caught:
        models.load_model(write(tmp_path, found, **fields))
    assert "quantised" in str(caught.value)


def test_a_seq2seq_classifier(tmp_path):
    """MT5ForSequenceClassification puts "transformer." in front of the keys, and a head beside it."""
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("torch")
    from tests.models.parity import write as write_torch

    sizes = dict(vocab_size=61, d_model=24, d_kv=5, d_ff=20, num_layers=2, num_heads=3, eos_token_id=2)
    config = transformers.MT5Config(**sizes)
    write_torch(tmp_path / "whole", config, "AutoModelForSequenceClassification")
    assert models.load_model(tmp_path / "whole").num_layers == 2
    shutil.rmtree(tmp_path / "whole")


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
