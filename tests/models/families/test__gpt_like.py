"""What BLOOM, GPT-2, BERT and others share: a bias with every weight, layer norms, an MLP without gate."""

import numpy as np
import pytest

from jaxalign import models
from jaxalign.models import parameters
from jaxalign.models.families._gpt_like import linears, norms, read_biased
from jaxalign.models.fields import Fields
from jaxalign.types import InputError

OPTIONS = dict(num_layers=2, mlp_width=20, eps=1e-5, max_length=32, activation="gelu", positions="learned",
               position_rows=32)  # fmt: skip


def test_every_weight_has_a_bias_and_no_mlp_a_gate():
    config = read_biased(Fields({"vocab_size": 31}), family="gpt2", width=12, heads=3, **OPTIONS)
    assert (config.vocab, config.head_dim, config.kv_heads, config.scale) == (31, 4, 3, 0.5)
    leaves = parameters.flatten(models.abstract(config))
    weights = {path.rpartition(".")[0] for path in leaves if path.endswith(("kernel", "scale"))}
    assert weights == {path.rpartition(".")[0] for path in leaves if path.endswith("bias")}
    assert "blocks.mlp.up" in weights and "blocks.mlp.gate" not in weights


def test_options_of_a_family_win():
    config = read_biased(Fields({"vocab_size": 31}), family="x", width=12, heads=3, **(OPTIONS | dict(scale=2.0)),
                         norm_bias=False)  # fmt: skip
    assert config.scale == 2.0 and not config.norm_bias and config.output_bias


def test_a_width_that_the_heads_do_not_divide_is_refused():
    with pytest.raises(InputError, match="12 and 5"):
        read_biased(Fields({"vocab_size": 31}), family="x", width=12, heads=5, **OPTIONS)


def test_tables_of_norms_and_linear_maps():
    scales = norms({"norm": "ln_f", "blocks.mlp_norm": "h.{layer}.ln"})
    assert {path: source.key for path, source in scales.items()} == {
        "norm.scale": "ln_f.weight", "norm.bias": "ln_f.bias",
        "blocks.mlp_norm.scale": "h.{layer}.ln.weight", "blocks.mlp_norm.bias": "h.{layer}.ln.bias",
    }  # fmt: skip
    matrix = np.arange(6).reshape(2, 3)
    table = linears({"blocks.mlp.up": "h.{layer}.fc"})
    assert (table["blocks.mlp.up.kernel"].take(matrix) == matrix.T).all()
    assert table["blocks.mlp.up.bias"].take is None and table["blocks.mlp.up.bias"].key == "h.{layer}.fc.bias"
    assert linears({"a": "b"}, None)["a.kernel"].take is None  # GPT-2 stores its maps as Flax does
