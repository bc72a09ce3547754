"""Rotary positions: frequencies against transformers, rotation against complex numbers in float64."""

import numpy as np
import pytest

from jaxalign.models.rope import Rope, Turns, no_rope, read_rope, rope_fields, rotate, turns_at
from jaxalign.types import InputError

RAW = dict(max_position_embeddings=256, rope_theta=10000.0)
SCALED = {
    "default": {},
    "linear": dict(factor=4.0),
    "llama3": dict(factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=64),
    "yarn": dict(factor=4.0, original_max_position_embeddings=64),
}


@pytest.mark.parametrize("kind", SCALED)
def test_frequencies_are_those_of_transformers(kind):
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("torch")
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    fields = dict(rope_type=kind, rope_theta=500.0, **SCALED[kind])
    rope = read_rope(RAW | {"rope_parameters": fields}, 16)
    config = transformers.LlamaConfig(hidden_size=64, num_attention_heads=4, max_position_embeddings=256,
                                      rope_parameters=fields)  # fmt: skip
    if kind == "default":
        expected, scale = 500.0 ** -(np.arange(0, 16, 2) / 16), 1.0
    else:
        frequencies, scale = ROPE_INIT_FUNCTIONS[kind](config, "cpu")
        expected = frequencies.numpy()
    np.testing.assert_allclose(rope.frequencies, expected, rtol=1e-6)
    assert rope.scale == pytest.approx(scale)


def test_old_and_new_spelling_of_the_fields():
    new = read_rope({"rope_parameters": dict(rope_type="linear", factor=2.0, rope_theta=100.0)}, 8)
    old = read_rope({"rope_theta": 100.0, "rope_scaling": dict(type="linear", factor=2.0)}, 8)
    assert new == old
    layers = {"rope_parameters": {"full_attention": {"rope_theta": 7.0}}}
    assert rope_fields(layers, "full_attention") == {"rope_theta": 7.0}
    assert read_rope({}, 8, base=100.0) == read_rope({"rope_theta": 100.0}, 8)


def test_a_share_of_the_features_is_turned():
    half = RAW | {"partial_rotary_factor": 0.5}
    assert len(read_rope(half, 16, share=1.0).frequencies) == 4
    assert read_rope(RAW, 16, share=0.5) == read_rope(half, 16, share=1.0)
    for wrong in (1.5, 3 / 16, 0.0):
        with pytest.raises(InputError, match="partial_rotary_factor"):
            read_rope(RAW | {"partial_rotary_factor": wrong}, 16, share=1.0)
    with pytest.raises(InputError, match="'partial_rotary_factor' = 1"):  # a family that rotates all features
        read_rope(half, 16)


def test_longrope_is_for_the_original_length():
    rope = dict(rope_type="longrope", short_factor=[1.0, 2.0], long_factor=[3.0, 4.0],
                original_max_position_embeddings=64)  # fmt: skip
    read = read_rope(RAW | {"rope_parameters": rope}, 4)
    np.testing.assert_allclose(read.frequencies, [1.0, 0.01 / 2], rtol=1e-6)
    assert read.longest == 64


@pytest.mark.parametrize("interleaved", [True, False])
def test_a_rotation_multiplies_complex_numbers(interleaved):
    """Of 6 features the first 4 are two complex numbers; those of later positions turn further."""
    heads = np.random.default_rng(0).normal(size=(2, 5, 3, 6)).astype(np.float32)
    rope = Rope((1.0, 0.25), scale=2.0)
    positions = np.array([[0, 1, 2, 3, 4], [7, 9, 300, 2, 0]], np.int32)
    turns = turns_at((rope, no_rope(4)), positions, interleaved=interleaved)
    of_rope, of_none = (Turns(turns.cos[number], turns.sin[number]) for number in range(2))
    found = np.asarray(rotate(heads, of_rope, interleaved=interleaved))
    pairs = [(0, 1), (2, 3)] if interleaved else [(0, 2), (1, 3)]
    for (left, right), frequency in zip(pairs, rope.frequencies, strict=True):
        turned = (heads[..., left] + 1j * heads[..., right].astype(np.float64)) * 2.0
        turned = turned * np.exp(1j * positions * frequency)[:, :, None]
        np.testing.assert_allclose(found[..., left], turned.real, atol=2e-5)
        np.testing.assert_allclose(found[..., right], turned.imag, atol=2e-5)
    np.testing.assert_array_equal(found[..., 4:], heads[..., 4:])
    np.testing.assert_array_equal(rotate(heads, of_none, interleaved=interleaved), heads)
