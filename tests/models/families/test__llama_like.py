"""What Llama-shaped families share: fields of config.json, windows of layers, and the place of each leaf."""

import numpy as np
import pytest

from jaxalign import models
from jaxalign.models import parameters
from jaxalign.models.families import _llama_like
from jaxalign.models.families._llama_like import (
    decoder_table,
    expert_sources,
    original_length,
    read_decoder,
    read_layer_types,
    read_windows,
)
from jaxalign.models.fields import Fields
from jaxalign.types import InputError

RAW = dict(
    model_type="llama", vocab_size=31, hidden_size=16, intermediate_size=24, num_hidden_layers=4,
    num_attention_heads=4, max_position_embeddings=64, rms_norm_eps=1e-5,
)  # fmt: skip
LOCAL, FULL = "sliding_attention", "full_attention"


def fields(**changes):
    return Fields(RAW | changes)


def test_fields_that_are_left_out():
    config = read_decoder(fields(), "llama")
    assert (config.kv_heads, config.head_dim, config.scale, config.activation) == (4, 4, 0.5, "silu")
    assert (config.order, config.norm, config.causal, config.windows) == ("pre", "rms", True, ())
    frequencies = 10000.0 ** -(np.arange(0, 4, 2) / 4)
    assert config.ropes[0].frequencies == pytest.approx(frequencies, rel=1e-6)


def test_options_of_a_family_win():
    config = read_decoder(fields(head_dim=6), "other", head_dim=8, eps=0.5, order="both", scale=3.0)
    assert (config.family, config.head_dim, config.eps, config.order, config.scale) == ("other", 8, 0.5, "both", 3.0)
    assert len(config.ropes[0].frequencies) == 4


def test_heads_that_the_kv_heads_do_not_divide_are_refused():
    assert read_decoder(fields(num_key_value_heads=2), "llama").kv_heads == 2
    with pytest.raises(InputError, match="num_key_value_heads"):
        read_decoder(fields(num_key_value_heads=3), "llama")


def test_the_length_before_rope_was_scaled():
    rope = dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=16)
    raw = fields(rope_parameters=rope)
    assert original_length(read_decoder(raw, "llama"), raw).max_length == 16
    assert original_length(read_decoder(fields(), "llama"), fields()).max_length == 64


@pytest.mark.parametrize(
    ("named", "pattern", "local"),
    [(None, 2, (True, False, True, False)), (None, 5, (True,) * 4), ([FULL, LOCAL, FULL, LOCAL], 2, (False, True) * 2)],
)
def test_windows_of_layers(named, pattern, local):
    raw = fields(sliding_window=7, layer_types=named)
    assert read_layer_types(raw, pattern) == local
    assert read_windows(raw, pattern) == tuple(7 if each else 0 for each in local)
    assert read_windows(fields(layer_types=named), pattern) == ()


@pytest.mark.parametrize("named", [[FULL] * 3, [FULL, LOCAL, FULL, "chunked_attention"]])
def test_layer_types_of_another_number_or_name_are_refused(named):
    with pytest.raises(InputError, match="4 layer_types"):
        read_layer_types(fields(layer_types=named), 2)


@pytest.mark.parametrize(
    "options",
    [{}, dict(order="both"), dict(order="after", head_norm="whole"), dict(order="parallel"),
     dict(attention_bias=True, output_bias=True, mlp_bias=True), dict(head_norm="shared", attention_bias=True)],
)  # fmt: skip
def test_the_table_names_every_leaf_once(options):
    config = read_decoder(fields(), "llama", **options)
    table = decoder_table(config)
    assert set(table) == set(parameters.flatten(models.abstract(config)))
    assert len({source.key for source in table.values()}) == len(table)


def test_kernels_are_transposed_and_nothing_else():
    table = decoder_table(read_decoder(fields(), "llama", attention_bias=True))
    assert {path for path, source in table.items() if source.take} == {
        path for path in table if path.endswith("kernel")
    }
    assert table["blocks.attention.output.kernel"].key == "layers.{layer}.self_attn.o_proj.weight"
    matrix = np.arange(6).reshape(2, 3)
    assert (_llama_like.transpose(matrix) == matrix.T).all()


def test_experts_have_a_key_for_each_layer_and_expert():
    sources = expert_sources("moe.", {"gate": "w1", "down": "w2"})
    assert sources["blocks.mlp.router.kernel"].key == "layers.{layer}.moe.gate.weight"
    assert sources["blocks.mlp.gate.kernel"].key == "layers.{layer}.moe.experts.{expert}.w1.weight"
    assert set(sources) == {f"blocks.mlp.{name}.kernel" for name in ("router", "gate", "down")}
