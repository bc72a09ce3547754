"""T5's, mT5's and umT5's port against transformers: the encoder, and the first step of the decoder."""

import dataclasses

import jax
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from jaxalign import models
from jaxalign.types import InputError
from tests.models.family import MT5, assert_cosine, check_alone, check_both
from tests.models.parity import assert_parity, our_states, pack, texts

transformers = pytest.importorskip("transformers")
torch = pytest.importorskip("torch")

LENGTHS = (1, 2, 9, 130, 300)


def decoder_states(model, token_lists, start=2):
    """Returns per text transformers' (layer + 1, 1, feature) states of the decoder's start token."""
    with torch.no_grad():
        outs = [
            model(
                input_ids=torch.tensor([tokens]), decoder_input_ids=torch.tensor([[start]]), output_hidden_states=True
            ).decoder_hidden_states
            for tokens in token_lists
        ]
    return [np.stack([state[0].float().numpy() for state in out]) for out in outs]


def our_decoder_states(model, token_lists):
    batch, spans = pack(token_lists, causal=False, pooling="mean")
    layers = tuple(range(model.config.decoder_layers + 1))
    run = jax.jit(lambda params, batch: models.decoded(model.config, params, batch, layers=layers))
    out = np.asarray(run(model.params, batch))
    return [out[:, row, pick : pick + 1] for pick, (row, _, _) in enumerate(spans)]


@pytest.mark.parametrize(
    "kind, options",
    [
        ("MT5Config", dict(feed_forward_proj="gated-gelu")),
        (
            "T5Config",
            dict(feed_forward_proj="relu", relative_attention_num_buckets=10, relative_attention_max_distance=20),
        ),
        ("UMT5Config", dict(feed_forward_proj="gated-silu", num_decoder_layers=4)),
    ],
)
def test_parity(tmp_path, kind, options):
    config = getattr(transformers, kind)(**(MT5 | options))
    model, theirs = check_both(tmp_path, config, "AutoModelForSeq2SeqLM", encoder=True, decoder=True)
    check_alone(model)
    token_lists = texts(97, LENGTHS)
    expected = decoder_states(theirs, token_lists)
    assert_parity(our_decoder_states(model, token_lists), expected)
    half = models.load_model(tmp_path, dtype="bfloat16", decoder=True)
    assert_cosine(our_decoder_states(half, token_lists), expected)


def same_states(one, other):
    token_lists = texts(97, (5, 9))
    pairs = zip(our_states(one, token_lists), our_states(other, token_lists), strict=True)
    return all((mine == yours).all() for mine, yours in pairs)


def test_decoder_is_loaded_only_when_asked(mt5):
    folder, _ = mt5
    encoder, whole = models.load_model(folder), models.load_model(folder, decoder=True)
    assert "decoder" not in encoder.params and encoder.config.decoder_layers == 0
    assert dataclasses.replace(whole.config, decoder_layers=0) == encoder.config
    assert same_states(encoder, whole)
    batch, _ = pack([[5, 6]], causal=False, slots=8)
    with pytest.raises(InputError, match="decoder"):
        models.decoded(encoder.config, encoder.params, batch, layers=(1,))
    with pytest.raises(InputError, match="layers of 0 to 2"):
        models.decoded(whole.config, whole.params, batch, layers=(3,))


def test_encoder_alone(mt5, tmp_path):
    """What T5EncoderModel saves: no decoder, and a config.json that says so."""
    folder, torch_model = mt5
    encoder = transformers.MT5EncoderModel.from_pretrained(folder)
    encoder.save_pretrained(tmp_path)
    assert not any(key.startswith("decoder") for key in load_file(tmp_path / "model.safetensors"))
    assert same_states(models.load_model(tmp_path), models.load_model(folder))
    with pytest.raises(InputError, match="decoder"):
        models.load_model(tmp_path, decoder=True)


@pytest.mark.parametrize("name", ["shared.weight", "encoder.embed_tokens.weight"])
def test_names_of_the_embedding(mt5, tmp_path, name):
    folder, _ = mt5
    tensors = load_file(folder / "model.safetensors")
    embedding = next(tensors[key] for key in ("shared.weight", "encoder.embed_tokens.weight") if key in tensors)
    tensors = {key: value for key, value in tensors.items() if "embed_tokens" not in key and "shared" not in key}
    save_file(tensors | {name: embedding, "decoder.embed_tokens.weight": embedding}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    assert same_states(models.load_model(tmp_path), models.load_model(folder))


def test_a_decoder_with_a_tensor_missing_is_named(mt5, tmp_path):
    folder, _ = mt5
    tensors = load_file(folder / "model.safetensors")
    missing = "decoder.block.1.layer.1.EncDecAttention.k.weight"
    del tensors[missing]
    save_file(tensors, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    models.load_model(tmp_path)
    with pytest.raises(InputError, match=missing):
        models.load_model(tmp_path, decoder=True)


def test_float16_is_refused(mt5):
    with pytest.raises(InputError, match="float32, bfloat16 for mt5, whose states overflow in float16, got 'float16'"):
        models.load_model(mt5[0], dtype="float16")
