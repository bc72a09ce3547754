"""T5's, mT5's and umT5's port against transformers: the encoder, and the first step of the decoder."""

import dataclasses

import jax
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from jaxalign import models
from jaxalign.models.position_bias import bucket_of
from jaxalign.types import InputError
from tests.models.family import assert_cosine, check_alone, check_both
from tests.models.parity import assert_parity, our_states, pack, texts, write

transformers = pytest.importorskip("transformers")
torch = pytest.importorskip("torch")

TINY = dict(
    vocab_size=97, d_model=48, d_kv=7, d_ff=80, num_layers=3, num_heads=5, num_decoder_layers=2,
    decoder_start_token_id=2,
)  # fmt: skip
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
    config = getattr(transformers, kind)(**(TINY | options))
    model, theirs = check_both(tmp_path, config, "AutoModelForSeq2SeqLM", encoder=True, decoder=True)
    check_alone(model)
    token_lists = texts(97, LENGTHS)
    expected = decoder_states(theirs, token_lists)
    assert_parity(our_decoder_states(model, token_lists), expected)
    half = models.load_model(tmp_path, dtype="bfloat16", decoder=True)
    assert_cosine(our_decoder_states(half, token_lists), expected)


@pytest.fixture(scope="module")
def mt5(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mt5")
    return folder, write(folder, transformers.MT5Config(**TINY), "AutoModelForSeq2SeqLM")


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


def test_layers_in_the_order_asked_and_unused_picks_are_zero(mt5):
    model = models.load_model(mt5[0], decoder=True)
    batch, _ = pack([[5, 6], [7, 8, 9]], causal=False, slots=8, pooling="mean")
    every = np.asarray(models.decoded(model.config, model.params, batch, layers=(0, 1, 2)))
    batch.pool[0, 1] = 0
    some = np.asarray(models.decoded(model.config, model.params, batch, layers=(2, 0)))
    np.testing.assert_allclose(some[:, 0, 0], every[[2, 0], 0, 0], rtol=1e-6, atol=1e-6)
    assert (some[:, 0, 1] == 0).all() and (every[:, 0, 1] != 0).any()


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


def test_random_decoder_has_the_abstract_shapes(mt5):
    model = models.load_model(mt5[0], decoder=True, weights="random")
    shapes = jax.tree.map(lambda leaf: (leaf.shape, str(leaf.dtype)), models.abstract(model.config))
    assert jax.tree.map(lambda leaf: (leaf.shape, str(leaf.dtype)), model.params) == shapes
    kernel = np.asarray(model.params["decoder"]["blocks"]["cross"]["key"]["kernel"])
    assert np.abs(kernel[0] - kernel[1]).max() > 0.01


def test_float16_is_refused(mt5):
    with pytest.raises(InputError, match="float32, bfloat16, got 'float16'"):
        models.load_model(mt5[0], dtype="float16")


@pytest.mark.parametrize("buckets, farthest", [(32, 128), (32, 64), (8, 20), (64, 256), (6, 10)])
def test_buckets(buckets, farthest):
    from transformers.models.t5.modeling_t5 import T5Attention

    distance = np.arange(-600, 601)
    expected = T5Attention._relative_position_bucket(torch.tensor(distance), True, buckets, farthest).numpy()
    assert (bucket_of(distance, buckets, farthest) == expected).all()
    assert (expected[distance >= farthest] == buckets - 1).all()
