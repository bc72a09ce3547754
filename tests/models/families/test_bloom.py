"""BLOOM's port against transformers."""

import pytest

from jaxalign import models
from jaxalign.models.checkpoint import keys
from jaxalign.models.families import bloom
from jaxalign.models.fields import read_json
from jaxalign.types import InputError
from tests.models.family import check_alone, check_both
from tests.models.parity import write

transformers = pytest.importorskip("transformers")
torch = pytest.importorskip("torch")

TINY = dict(vocab_size=97, hidden_size=60, n_layer=3, n_head=6, pad_token_id=3)


@pytest.mark.parametrize(
    "options, auto",
    [(dict(), "AutoModelForCausalLM"), (dict(n_head=5, layer_norm_epsilon=1e-3), "AutoModel")],
    ids=["six-heads", "five-heads-no-prefix"],
)
def test_parity(tmp_path, options, auto):
    model, _ = check_both(tmp_path, transformers.BloomConfig(**(TINY | options)), auto)
    check_alone(model)


def test_old_spelling_of_config(tmp_path):
    write(tmp_path, transformers.BloomConfig(**TINY))
    raw = read_json(tmp_path)
    old = {{"n_layer": "num_hidden_layers", "n_head": "num_attention_heads", "hidden_size": "n_embed"}.get(k, k): v
           for k, v in raw.items()}  # fmt: skip
    assert models.read_config(old) == models.read_config(raw)


def test_residual_after_norm_is_refused():
    raw = transformers.BloomConfig(**TINY, apply_residual_connection_post_layernorm=True).to_dict()
    with pytest.raises(InputError, match="apply_residual_connection_post_layernorm"):
        models.read_config(raw)


def test_fused_weights_of_another_width_are_named():
    raw = transformers.BloomConfig(**TINY).to_dict()
    with torch.device("meta"):
        model = transformers.BloomForCausalLM(transformers.BloomConfig(**TINY))
    shapes = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    key = "transformer.h.1.self_attention.query_key_value.weight"
    with pytest.raises(InputError, match="query_key_value"):
        keys.check(bloom, models.read_config(raw), shapes | {key: (120, 60)})
