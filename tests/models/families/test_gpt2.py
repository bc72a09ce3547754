"""GPT-2's port against transformers."""

import pytest

from jaxalign import models
from jaxalign.types import InputError
from tests.models.family import check_alone, check_both

transformers = pytest.importorskip("transformers")
pytest.importorskip("torch")
pytestmark = pytest.mark.slow

TINY = dict(
    vocab_size=97, n_embd=60, n_layer=3, n_head=5, n_positions=512, bos_token_id=0, eos_token_id=0, n_inner=100,
)  # fmt: skip


@pytest.mark.parametrize(
    "options, auto",
    [(dict(), "AutoModelForCausalLM"), (dict(n_inner=None, activation_function="relu"), "AutoModel")],
    ids=["plain", "relu-no-prefix"],
)
def test_parity(tmp_path, options, auto):
    model, _ = check_both(tmp_path, transformers.GPT2Config(**(TINY | options)), auto)
    check_alone(model)


@pytest.mark.parametrize("option", [dict(scale_attn_by_inverse_layer_idx=True), dict(scale_attn_weights=False)])
def test_variants_are_refused(option):
    with pytest.raises(InputError, match=next(iter(option))):
        models.read_config(transformers.GPT2Config(**TINY, **option).to_dict())
