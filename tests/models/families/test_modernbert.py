"""The port of ModernBERT against transformers: every layer, lengths 1 to 512, float32 and bfloat16."""

import pytest
from safetensors.numpy import load_file, save_file

from jaxalign import models
from jaxalign.types import InputError
from tests.models.family import ENCODER, check_alone, check_encoder
from tests.models.parity import write

transformers = pytest.importorskip("transformers")
pytest.importorskip("torch")
pytestmark = pytest.mark.slow

MODERN = ENCODER | dict(local_attention=30, global_attn_every_n_layers=2, pad_token_id=0, cls_token_id=1,
                        sep_token_id=2, bos_token_id=1, eos_token_id=2)  # fmt: skip
CASES = {
    "modernbert": ("ModernBertConfig", "AutoModelForMaskedLM", MODERN),
    "modernbert-biases": ("ModernBertConfig", "AutoModel", MODERN | dict(attention_bias=True, mlp_bias=True,
                          norm_bias=True)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_parity(tmp_path, name):
    kind, auto, options = CASES[name]
    model = check_encoder(tmp_path, getattr(transformers, kind)(**options), auto)
    if name == next(iter(CASES)):
        check_alone(model)


def test_only_the_first_block_may_lack_its_norm(tmp_path):
    one = MODERN | dict(num_hidden_layers=1)
    write(tmp_path / "one", transformers.ModernBertConfig(**one), "AutoModel")
    assert (models.load_model(tmp_path / "one").params["blocks"]["attention_norm"]["scale"] == 1).all()
    write(tmp_path / "three", transformers.ModernBertConfig(**MODERN), "AutoModel")
    file = tmp_path / "three" / "model.safetensors"
    found = load_file(file)
    del found["layers.2.attn_norm.weight"]
    save_file(found, file)
    with pytest.raises(InputError, match=r"layers\.2\.attn_norm\.weight"):
        models.load_model(tmp_path / "three")
